import { isSayable, PACK_LIMIT, type Say } from '../../../streams/index.js';
import { shown, type Visible } from '../../terminal/visible.js';
import { suggestion } from '../suggestion.js';
import { info, type Line } from './line.js';

/** What comes of an entered line. */
export type Action =
  | { readonly type: 'say'; readonly say: Say }
  | { readonly type: 'show'; readonly lines: readonly Line[] }
  /** It cannot be said, and stays until it is discarded. */
  | { readonly type: 'fail'; readonly text: string; readonly reason: Visible }
  | { readonly type: 'nick'; readonly nick: string }
  | { readonly type: 'retry' }
  | { readonly type: 'edit'; readonly text: string }
  | { readonly type: 'qr' }
  | { readonly type: 'clear' }
  | { readonly type: 'quit' };

/** What commands know of, and can do with, the room and the person. */
export interface Desk {
  readonly who: () => readonly Line[];
  readonly invite: () => readonly Line[];
  readonly verify: (nick: string, answer: string | undefined) => readonly Line[];
  readonly ignore: (nick: string | undefined, answer: string | undefined) => readonly Line[];
  readonly quiet: (answer: string) => readonly Line[];
  readonly history: (count: number) => readonly Line[];
  readonly search: (text: string) => readonly Line[];
  readonly topic: () => readonly Line[];
  readonly discard: () => readonly Line[];
  /** Whether one is away oneself. */
  readonly isAway: () => boolean;
  /** Why a nick will not do; `undefined`: it will. */
  readonly refuse: (nick: string) => Visible | undefined;
  readonly isOnline: () => boolean;
}

/** A command of the conversation: for its reader, its help and the Tab key. */
export interface ChatCommand {
  readonly name: string;
  readonly input: string;
  readonly help: string;
  /** What the Tab key offers behind it. */
  readonly completes?: 'nick' | 'command' | readonly string[];
  readonly run: (rest: string, desk: Desk) => Action;
}

const show = (...lines: readonly Line[]): Action => ({ type: 'show', lines });
const say = (text: string, act?: NonNullable<Say['act']>): Action =>
  isSayable(text)
    ? { type: 'say', say: { lines: [text], ...(act && { act }) } }
    : { type: 'fail', text, reason: shown`not sent, over the limit of ${PACK_LIMIT} bytes` };
const words = (rest: string): readonly string[] => rest.split(/\s+/).filter((word) => word !== '');

/** How many messages `/history` shows where no number is given. */
const HISTORY = 20;

/** The commands, in the order of the help. */
export const CHAT_COMMANDS: readonly ChatCommand[] = [
  {
    name: 'help',
    input: '[COMMAND]',
    help: 'this, or what one command does',
    completes: 'command',
    run: (rest) => show(...help(rest)),
  },
  {
    name: 'nick',
    input: 'NAME',
    help: 'go by another nick; your key stays the same, so others see that it is you',
    run: (rest, { refuse }) => {
      const [nick, ...others] = words(rest);
      if (nick === undefined || others.length > 0)
        return show(info(shown`which? /nick NAME, without spaces`));
      const reason = refuse(nick);
      return reason === undefined ? { type: 'nick', nick } : show(info(reason));
    },
  },
  {
    name: 'me',
    input: 'TEXT',
    help: 'say what you do: /me waves',
    run: (rest) => (rest === '' ? show(info(shown`what do you do? /me TEXT`)) : say(rest, 'me')),
  },
  { name: 'who', input: '', help: 'who is here', run: (_, { who }) => show(...who()) },
  {
    name: 'invite',
    input: '[qr]',
    help: 'the invite of this room, which lets whoever has it in; qr: as a code to scan',
    completes: ['qr'],
    run: (rest, { invite }) => (rest === 'qr' ? { type: 'qr' } : show(...invite())),
  },
  {
    name: 'verify',
    input: 'NICK [yes|no]',
    help: 'compare a number, to know that it is them; then keep the answer',
    completes: 'nick',
    run: (rest, { verify }) => {
      const [nick, answer] = words(rest);
      return show(...(nick === undefined ? [info(shown`whom? /verify NICK`)] : verify(nick, answer)));
    },
  },
  {
    name: 'ignore',
    input: '[NICK] [no]',
    help: 'read nothing more of somebody, whatever nick they take; alone: whom you ignore',
    completes: 'nick',
    run: (rest, { ignore }) => {
      const [nick, answer] = words(rest);
      return show(...ignore(nick, answer));
    },
  },
  {
    name: 'quiet',
    input: '[on|off]',
    help: 'do not tell who comes and goes',
    completes: ['on', 'off'],
    run: (rest, { quiet }) => show(...quiet(rest)),
  },
  {
    name: 'history',
    input: '[N]',
    help: `the last N messages of this run again (${HISTORY}); join --last N begins with older ones`,
    run: (rest, { history }) => {
      const count = rest === '' ? HISTORY : Number(rest);
      return Number.isInteger(count) && count > 0
        ? show(...history(count))
        : show(info(shown`how many? /history N, a whole number`));
    },
  },
  {
    name: 'search',
    input: 'TEXT',
    help: 'the messages of this run that have it in them',
    run: (rest, { search }) => show(...(rest === '' ? [info(shown`for what? /search TEXT`)] : search(rest))),
  },
  {
    name: 'away',
    input: '[TEXT]',
    help: 'tell the room that you are away, and why; again, or by saying something, that you are back',
    run: (rest, { isAway }) => (rest === '' && isAway() ? say('back', 'back') : say(rest || 'away', 'away')),
  },
  {
    name: 'topic',
    input: '[TEXT]',
    help: 'what the room is about; with a text, set it for everyone',
    run: (rest, { topic }) => (rest === '' ? show(...topic()) : say(rest, 'topic')),
  },
  {
    name: 'edit',
    input: '[TEXT]',
    help: 'write in your editor ($VISUAL, $EDITOR)',
    run: (rest) => ({ type: 'edit', text: rest }),
  },
  {
    name: 'retry',
    input: '',
    help: 'offline: try the relay now, instead of later',
    run: (_, { isOnline }) =>
      isOnline() ? show(info(shown`you are connected; what waits goes out by itself`)) : { type: 'retry' },
  },
  {
    name: 'discard',
    input: '',
    help: 'take away what could not be sent (\u2717)',
    run: (_, { discard }) => show(...discard()),
  },
  {
    name: 'quit',
    input: '',
    help: 'leave; so does Ctrl-D without a draft, and Ctrl-C twice',
    run: () => ({ type: 'quit' }),
  },
];

const MORE = [
  'what you type is said when you press Enter; \u25cc waits until the relay has stored it',
  '//x says /x; Tab completes commands and nicks',
  'Alt-Enter: another line in the same message; Up, Ctrl-R: what you entered before',
  'Ctrl-X Ctrl-E: the same as /edit; Ctrl-Z: back to the shell, and fg goes on',
  'before a nick: \u2713 verified, ? not verified, ! another key than before',
];

const help = (name: string): readonly Line[] => {
  const wanted = name.replace(/^\//, '');
  if (wanted === '') {
    const rows = CHAT_COMMANDS.map((each) => [`/${each.name} ${each.input}`.trimEnd(), each.help] as const);
    const width = Math.max(...rows.map(([usage]) => usage.length));
    return [
      ...rows.map(([usage, text]) => ({ ...info(shown`${text}`), term: shown`${usage.padEnd(width)}  ` })),
      ...MORE.map((row) => info(shown`${row}`)),
    ];
  }
  const command = CHAT_COMMANDS.find((each) => each.name === wanted);
  return command === undefined
    ? [unknown(`/${wanted}`)]
    : [info(shown`${`/${command.name} ${command.input}`.trimEnd()}: ${command.help}`)];
};

/** Commands of other programs, by what they are here. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['/exit', '/quit'],
  ['/part', '/quit'],
  ['/leave', '/quit'],
  ['/bye', '/quit'],
  ['/q', '/quit'],
  ['/names', '/who'],
  ['/users', '/who'],
]);

/** What to say of commands of other programs that there are not. */
const HINTS: ReadonlyMap<string, string> = new Map(
  ['/msg', '/query', '/whisper', '/dm', '/notice'].map((word) => [
    word,
    'there are no private messages: all in the room read what is said',
  ]),
);

const unknown = (word: string): Line => {
  const names = CHAT_COMMANDS.map(({ name }) => `/${name}`);
  const letters = (each: string) => Array.from(each).sort().join('');
  // Letters that were mixed up are more likely than others that are missing.
  const mixed = names.find((name) => letters(name) === letters(word));
  const known =
    HINTS.get(word) ??
    (mixed === undefined ? suggestion(word.toLowerCase(), names) : `did you mean ${mixed}?`);
  // A path is hardly a command.
  const hint = known ?? (/^.+\//.test(word) ? `/${word} says it` : '/help lists the commands');
  return info(shown`unknown command ${word}, nothing was sent; ${hint}`);
};

/** How a line is entered that is to be said as it is, whatever it begins with. */
export const literal = (line: string): string => (line.startsWith('/') ? `/${line}` : line);

/** Reads what was entered. A `/word` that is no command is never said: it may be a typo, and secret. */
export const readEntered = (entered: string, desk: Desk): Action | undefined => {
  if (entered.trim() === '') return undefined;
  if (!entered.startsWith('/')) return say(entered);
  if (entered.startsWith('//')) return say(entered.slice(1));
  const [, word = '', rest = ''] = /^(\S*)\s*(.*)$/s.exec(entered) ?? [];
  if (word === '/clear' && rest.trim() === '') return { type: 'clear' };
  const name = ALIASES.get(word) ?? word;
  const command = CHAT_COMMANDS.find((each) => `/${each.name}` === name);
  if (command === undefined) return show(unknown(word));
  // Words of farewell are not said, and keep nobody from leaving.
  if (command.name !== 'quit' && command.input === '' && rest.trim() !== '')
    return show(info(shown`/${command.name} takes nothing behind it; nothing was done`));
  return command.run(rest.trimEnd(), desk);
};
