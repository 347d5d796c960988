import { closestMatch } from 'leven';
import { isSayable, PACK_LIMIT } from '../../streams/index.js';
import { shown, type Visible, visibleLines, visibleNicks } from '../terminal/visible.js';

/** What an entered line means: something to say, something to show to oneself, or that one goes. */
export type ChatLine =
  | { readonly type: 'say'; readonly text: string }
  | { readonly type: 'show'; readonly text: Visible }
  | { readonly type: 'quit' };

const HELP = visibleLines(`\
-- what you type is said when you press Enter; it is shown when the relay has stored it
-- /who who is here   /quit leave (Ctrl-D, Ctrl-C)   //x says /x`);

const COMMANDS = ['/help', '/who', '/quit'];

/** Reads an entered line. A `/word` that is no command is never said: it may be a typo, and secret. */
export const readChatLine = (line: string, members: () => readonly string[]): ChatLine | undefined => {
  if (line.trim() === '') return undefined;
  if (line.startsWith('/') && !line.startsWith('//')) return readCommand(line.trim(), members);
  const text = line.startsWith('//') ? line.slice(1) : line;
  return isSayable(text)
    ? { type: 'say', text }
    : { type: 'show', text: shown`-- not sent: the message is over the limit of ${PACK_LIMIT} bytes` };
};

const readCommand = (line: string, members: () => readonly string[]): ChatLine => {
  switch (line) {
    case '/quit':
      return { type: 'quit' };
    case '/help':
      return { type: 'show', text: HELP };
    case '/who':
      return { type: 'show', text: shown`-- here: ${visibleNicks(members())}` };
    default: {
      const [word = ''] = line.split(' ');
      const closest = closestMatch(word, COMMANDS, { maxDistance: 2 });
      const hint = closest === undefined ? '/help lists the commands' : `did you mean ${closest}?`;
      return { type: 'show', text: shown`-- unknown command ${word}, nothing was sent; ${hint}` };
    }
  }
};
