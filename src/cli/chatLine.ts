import { closestMatch } from 'leven';
import { isSayable, PACK_LIMIT } from '../../streams/index.js';
import type { Complete } from '../terminal/editor/completion.js';
import { shown, type Visible, visibleLines, visibleNicks } from '../terminal/visible.js';

/** What an entered line means: something to say, to show to oneself, to go on writing in an editor, or that one goes. */
export type ChatLine =
  | { readonly type: 'say'; readonly text: string }
  | { readonly type: 'show'; readonly text: Visible }
  | { readonly type: 'edit'; readonly text: string }
  | { readonly type: 'quit' };

/** What commands ask about the room. */
export interface ChatRoom {
  readonly members: () => readonly string[];
  /** What to show for `/verify NICK`, or with an answer behind it. */
  readonly verify: (nick: string, answer: string | undefined) => Visible;
}

const HELP = visibleLines(`\
-- what you type is said when you press Enter; it is shown when the relay has stored it
-- /who who is here   /verify NICK whether it is them   /quit leave (Ctrl-D, Ctrl-C twice)   //x says /x
-- /edit write in your editor (Ctrl-X Ctrl-E)   Alt-Enter another line   Ctrl-R search   Tab complete   Ctrl-Z suspend
-- before a nick: \u2713 verified, ? not verified`);

const COMMANDS = ['/help', '/who', '/verify', '/edit', '/quit'];

/** How a line is entered that is to be said as it is, whatever it begins with. */
export const literal = (line: string): string => (line.startsWith('/') ? `/${line}` : line);

/** What the Tab key makes of a word: a command where it begins the line, and otherwise who is here. */
export const chatCompletion =
  (members: () => readonly string[]): Complete =>
  (word, before) => {
    const begins = (each: string) => each.toLowerCase().startsWith(word.toLowerCase());
    if (before === '' && word.startsWith('/')) return COMMANDS.filter(begins).map((each) => `${each} `);
    if (word === '') return [];
    return members()
      .filter(begins)
      .map((nick) => (before === '' ? `${nick}: ` : nick));
  };

/** Reads an entered line. A `/word` that is no command is never said: it may be a typo, and secret. */
export const readChatLine = (line: string, room: ChatRoom): ChatLine | undefined => {
  if (line.trim() === '') return undefined;
  if (line.startsWith('/') && !line.startsWith('//')) return readCommand(line.trim(), room);
  const text = line.startsWith('//') ? line.slice(1) : line;
  return isSayable(text)
    ? { type: 'say', text }
    : { type: 'show', text: shown`-- not sent: the message is over the limit of ${PACK_LIMIT} bytes` };
};

const readCommand = (line: string, { members, verify }: ChatRoom): ChatLine => {
  const [word = '', nick, answer] = line.split(/\s+/);
  switch (word === '/verify' || word === '/edit' ? word : line) {
    case '/quit':
      return { type: 'quit' };
    case '/edit':
      return { type: 'edit', text: line.slice(word.length).trimStart() };
    case '/help':
      return { type: 'show', text: HELP };
    case '/who':
      return { type: 'show', text: shown`-- here: ${visibleNicks(members())}` };
    case '/verify':
      return { type: 'show', text: nick === undefined ? shown`-- whom? /verify NICK` : verify(nick, answer) };
    default: {
      const closest = closestMatch(word, COMMANDS, { maxDistance: 2 });
      const hint = closest === undefined ? '/help lists the commands' : `did you mean ${closest}?`;
      return { type: 'show', text: shown`-- unknown command ${word}, nothing was sent; ${hint}` };
    }
  }
};
