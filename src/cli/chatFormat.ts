import type { Heard } from '../../streams/index.js';
import type { Visible } from '../terminal/visible.js';
import { heardLine, presenceLine, welcomeLine } from './chat/format.js';
import { plainLine } from './chat/line.js';

/** What `join` writes into a pipe: a line each, without anything that only a terminal shows. */
export const chatFormat = (nick: string, isVerified: (key: string) => boolean, utc = false) => {
  let wasIn = false;
  const changed = new Set<string>();
  const trust = { isVerified, isChanged: (key: string) => changed.has(key) };

  const lineOf = (heard: Heard) => {
    switch (heard.type) {
      case 'welcome':
        if (wasIn) return undefined;
        wasIn = true;
        return welcomeLine(heard, nick);
      case 'joined':
      case 'left': {
        const others = heard.nicks.filter((each) => each !== nick);
        return heard.nicks.length > 0 && others.length === 0
          ? undefined
          : presenceLine(heard.type, others, heard.count);
      }
      default:
        return heardLine(heard, trust);
    }
  };

  return (heard: Heard): Visible | undefined => {
    if (heard.type === 'key-changed') changed.add(heard.key);
    const line = lineOf(heard);
    return line === undefined ? undefined : plainLine(line, utc);
  };
};
