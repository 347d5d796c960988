import { safe } from '../../../../text/sanitize.js';
import { didYouMean } from '../../../args/help.js';
import { type ChatCommand, type ChatContext, sendAction, showAction, splitWords } from './chatAction.js';
import { GROUP_COMMANDS } from './groupCommands.js';
import { info, type Line } from './line.js';

/** Number of messages that `/history` shows without an argument. */
const DEFAULT_HISTORY_COUNT = 20;

/** Lists the slash commands of every room, in the order of the help. */
export const CHAT_COMMANDS: readonly ChatCommand[] = [
  {
    name: 'help',
    usage: '[COMMAND]',
    help: 'list the commands, or explain one',
    completions: 'command',
    run: (rest, context) => showAction(...helpLines(rest, chatCommands(context))),
  },
  {
    name: 'nick',
    usage: 'NAME',
    help: 'change your nick; your key stays the same, so others recognise you',
    run: (rest, { nickProblem }) => {
      const [nick, ...others] = splitWords(rest);
      if (nick === undefined || others.length > 0)
        return showAction(info(safe`usage: /nick NAME (without spaces)`));
      const reason = nickProblem(nick);
      return reason === undefined ? { type: 'nick', nick } : showAction(info(reason));
    },
  },
  {
    name: 'me',
    usage: 'TEXT',
    help: 'describe what you do: /me waves',
    run: (rest) => (rest === '' ? showAction(info(safe`usage: /me TEXT`)) : sendAction(rest, 'me')),
  },
  { name: 'who', usage: '', help: 'list the members', run: (_, { who }) => showAction(...who()) },
  {
    name: 'invite',
    usage: '[qr]',
    help: 'show the invite, which admits anyone who has it; qr: as a QR code',
    completions: ['qr'],
    run: (rest, { invite }) => (rest === 'qr' ? { type: 'qr' } : showAction(...invite())),
  },
  {
    name: 'verify',
    usage: 'NICK [yes|no]',
    help: 'compare a safety number, then save the answer',
    completions: 'nick',
    run: (rest, { verify, group }) => {
      const [nick, answer] = splitWords(rest);
      if (nick !== undefined) return showAction(...verify(nick, answer));
      return showAction(...(group === undefined ? [info(safe`usage: /verify NICK`)] : group.code()));
    },
  },
  {
    name: 'ignore',
    usage: '[NICK] [no]',
    help: 'hide all messages of NICK under any nick; alone: list whom you ignore',
    completions: 'nick',
    run: (rest, { ignore }) => {
      const [nick, answer] = splitWords(rest);
      return showAction(...ignore(nick, answer));
    },
  },
  {
    name: 'quiet',
    usage: '[on|off]',
    help: 'hide or show joins and leaves',
    completions: ['on', 'off'],
    run: (rest, { quiet }) => showAction(...quiet(rest)),
  },
  {
    name: 'history',
    usage: '[N]',
    help: `show the last N messages of this run again (${DEFAULT_HISTORY_COUNT}); join --last N starts with older ones`,
    run: (rest, { history }) => {
      const count = rest === '' ? DEFAULT_HISTORY_COUNT : Number(rest);
      return Number.isInteger(count) && count > 0
        ? showAction(...history(count))
        : showAction(info(safe`usage: /history N (a whole number)`));
    },
  },
  {
    name: 'search',
    usage: 'TEXT',
    help: 'find the messages of this run that contain TEXT',
    run: (rest, { search }) =>
      showAction(...(rest === '' ? [info(safe`usage: /search TEXT`)] : search(rest))),
  },
  {
    name: 'away',
    usage: '[TEXT]',
    help: 'tell the room that you are away; again, or with a message: that you are back',
    run: (rest, { isAway }) =>
      rest === '' && isAway() ? sendAction('back', 'back') : sendAction(rest || 'away', 'away'),
  },
  {
    name: 'topic',
    usage: '[TEXT]',
    help: 'show the topic; with TEXT, set it for everyone',
    run: (rest, { topic }) => (rest === '' ? showAction(...topic()) : sendAction(rest, 'topic')),
  },
  {
    name: 'edit',
    usage: '[TEXT]',
    help: 'write in your editor ($VISUAL, $EDITOR)',
    run: (rest) => ({ type: 'edit', text: rest }),
  },
  {
    name: 'retry',
    usage: '',
    help: 'reconnect now, if you are offline',
    run: (_, { isOnline }) =>
      isOnline()
        ? showAction(info(safe`you are connected; pending messages are sent automatically`))
        : { type: 'retry' },
  },
  {
    name: 'discard',
    usage: '',
    help: 'remove what could not be sent (\u2717)',
    run: (_, { discard }) => showAction(...discard()),
  },
  {
    name: 'quit',
    usage: '',
    help: 'leave (also Ctrl-D on an empty line, or Ctrl-C twice)',
    run: () => ({ type: 'quit' }),
  },
];

/** Returns the commands of a room, in the order of the help. */
export const chatCommands = ({ group }: Pick<ChatContext, 'group'>): readonly ChatCommand[] =>
  group === undefined ? CHAT_COMMANDS : [...CHAT_COMMANDS, ...GROUP_COMMANDS];

const HELP_NOTES = [
  'Enter sends what you typed; \u25cc marks it until the relay has stored it',
  '//x sends /x; Tab completes commands and nicks',
  'Alt-Enter: new line in the same message; Up, Ctrl-R: earlier input',
  'Ctrl-X Ctrl-E: same as /edit; Ctrl-Z: suspend, fg resumes',
  'before a nick: \u2713 verified, ? not verified, ! changed key',
];

const helpLines = (name: string, commands: readonly ChatCommand[]): readonly Line[] => {
  const wantedName = name.replace(/^\//, '');
  if (wantedName === '') {
    const rows = commands.map((each) => [`/${each.name} ${each.usage}`.trimEnd(), each.help] as const);
    const width = Math.max(...rows.map(([usage]) => usage.length));
    return [
      ...rows.map(([usage, text]) => ({ ...info(safe`${text}`), term: safe`${usage.padEnd(width)}  ` })),
      ...HELP_NOTES.map((row) => info(safe`${row}`)),
    ];
  }
  const command = commands.find((each) => each.name === wantedName);
  return command === undefined
    ? [unknownCommandLine(`/${wantedName}`, commands)]
    : [info(safe`${`/${command.name} ${command.usage}`.trimEnd()}: ${command.help}`)];
};

/** Hints for commands of other programs that have no equivalent here. */
const HINTS: ReadonlyMap<string, string> = new Map(
  ['/msg', '/query', '/whisper', '/dm', '/notice'].map((word) => [
    word,
    'there are no private messages; everyone in the room reads all messages',
  ]),
);

/** Returns the line that reports an unknown command, with a suggestion. */
export const unknownCommandLine = (word: string, commands: readonly ChatCommand[]): Line => {
  const names = commands.map(({ name }) => `/${name}`);
  const letters = (each: string) => Array.from(each).sort().join('');
  // Swapped letters are a more likely mistake than missing letters.
  const anagram = names.find((name) => letters(name) === letters(word));
  const suggested =
    HINTS.get(word) ??
    (anagram === undefined ? didYouMean(word.toLowerCase(), names) : `did you mean ${anagram}?`);
  // A word with another slash is probably a path, not a command.
  const hint = suggested ?? (/^.+\//.test(word) ? `/${word} sends it` : '/help lists the commands');
  return info(safe`unknown command ${word}, nothing was sent; ${hint}`);
};
