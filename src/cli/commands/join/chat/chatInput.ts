import { foldNick } from '../../../../../streams/wire/index.js';
import { safe } from '../../../../text/sanitize.js';
import { info } from './line.js';
import { type ChatAction, type ChatContext, sendAction, showAction } from './chatAction.js';
import { chatCommands, unknownCommandLine } from './slashCommands.js';

/** Nicks to complete: senders, the most recent first, then the other members. */
interface CompletionCandidates {
  readonly senders: readonly string[];
  readonly members: readonly string[];
  /** The user's own nick, which is never completed. */
  readonly nick: string;
  /** What a group room has besides the commands of every room. */
  readonly group?: ChatContext['group'];
}

/**
 * Returns the completions of a word, the likeliest first.
 * Completes commands at the start of the line, and nicks anywhere. `before` is the text before the word.
 */
export const completeWord = (
  word: string,
  before: string,
  { senders, members, nick, group }: CompletionCandidates,
): readonly string[] => {
  const commands = chatCommands({ group });
  const names = [...new Set([...senders, ...members])].filter(
    (each) => each !== nick && foldNick(each).startsWith(foldNick(word)),
  );
  if (before === '' && word.startsWith('/') && !word.startsWith('//'))
    return commands
      .map(({ name }) => `/${name}`)
      .filter((each) => each.startsWith(word))
      .map((each) => `${each} `);
  if (before === '') return names.map((each) => `${each}: `);
  const [, command] = /^\/(\w+)\s+$/.exec(before) ?? [];
  const completes = commands.find(({ name }) => name === command)?.completions;
  if (completes === 'command')
    return commands.map(({ name }) => name).filter((each) => each.startsWith(word));
  if (typeof completes === 'object') return completes.filter((each) => each.startsWith(word));
  return names.map((each) => `${each} `);
};

/** Command names of other programs, with their equivalents here. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['/exit', '/quit'],
  ['/part', '/quit'],
  ['/leave', '/quit'],
  ['/bye', '/quit'],
  ['/q', '/quit'],
  ['/names', '/who'],
  ['/users', '/who'],
]);

/** Escapes a line that begins with `/`, so that it is sent as text. */
export const escapeCommand = (line: string): string => (line.startsWith('/') ? `/${line}` : line);

/**
 * Parses a line of input, or returns `undefined` if it is blank.
 * An unknown `/word` is never sent, because it may be a typo and contain a secret.
 */
export const parseInput = (line: string, context: ChatContext): ChatAction | undefined => {
  if (line.trim() === '') return undefined;
  if (!line.startsWith('/')) return sendAction(line);
  if (line.startsWith('//')) return sendAction(line.slice(1));
  const [, word = '', rest = ''] = /^(\S*)\s*(.*)$/s.exec(line) ?? [];
  if (word === '/clear' && rest.trim() === '') return { type: 'clear' };
  const commands = chatCommands(context);
  const find = (name: string | undefined) => commands.find((each) => `/${each.name}` === name);
  const command = find(word) ?? find(ALIASES.get(word));
  if (command === undefined) return showAction(unknownCommandLine(word, commands));
  // `/quit` accepts words of farewell; they are not sent and do not keep the user in the room.
  if (command.name !== 'quit' && command.usage === '' && rest.trim() !== '')
    return showAction(info(safe`/${command.name} takes no argument; nothing was done`));
  return command.run(rest.trimEnd(), context);
};
