const WORD = '[\\p{L}\\p{M}\\p{N}_]';

const escaped = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');

const folded = (text: string): string => text.normalize('NFKC').toLowerCase();

/** Whether a text has a nick in it as a word, in whatever case. */
export const mentions = (text: string, nick: string): boolean =>
  nick !== '' && new RegExp(`(?<!${WORD})${escaped(folded(nick))}(?!${WORD})`, 'u').test(folded(text));
