import type { Act } from '../../streams/index.js';

/** What somebody does, in words that stand behind the nick. */
export const actText = (act: Act, text: string): string => {
  switch (act) {
    case 'me':
      return text;
    case 'topic':
      return `set the topic: ${text}`;
    case 'away':
      return text === 'away' ? 'is away' : `is away: ${text}`;
    case 'back':
      return 'is back';
  }
};
