import { CHAT_COMMANDS } from './commands.js';

/** Who may be meant: those that said something, the last one first, then everybody else who is here. */
export interface Candidates {
  readonly speakers: readonly string[];
  readonly members: readonly string[];
  /** Nobody means themselves. */
  readonly nick: string;
}

/**
 * What the Tab key makes of a word, the likeliest first: commands where the line begins, nicks anywhere. `before` is what
 * stands before the word.
 */
export const completeWord = (
  word: string,
  before: string,
  { speakers, members, nick }: Candidates,
): readonly string[] => {
  const folded = (text: string) => text.normalize('NFKC').toLowerCase();
  const names = [...new Set([...speakers, ...members])].filter(
    (each) => each !== nick && folded(each).startsWith(folded(word)),
  );
  if (before === '' && word.startsWith('/') && !word.startsWith('//'))
    return CHAT_COMMANDS.map(({ name }) => `/${name}`)
      .filter((each) => each.startsWith(word))
      .map((each) => `${each} `);
  if (before === '') return names.map((each) => `${each}: `);
  const [, command] = /^\/(\w+)\s+$/.exec(before) ?? [];
  const completes = CHAT_COMMANDS.find(({ name }) => name === command)?.completes;
  if (completes === 'command')
    return CHAT_COMMANDS.map(({ name }) => name).filter((each) => each.startsWith(word));
  if (typeof completes === 'object') return completes.filter((each) => each.startsWith(word));
  return names.map((each) => `${each} `);
};
