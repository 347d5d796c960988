let segmenter: Intl.Segmenter | undefined;

/**
 * Splits a text into graphemes. Creates the segmenter on first use: it takes a quarter of Node's startup
 * time, and most text needs none.
 */
export const segmentGraphemes = (text: string): Intl.Segments => {
  segmenter ??= new Intl.Segmenter(undefined, { granularity: 'grapheme' });
  return segmenter.segment(text);
};

const WORD = '[\\p{L}\\p{M}\\p{N}_]';

const escapeRegExp = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');

/** Returns a text in the form in which searches compare it: NFKC, lower case. */
export const foldCase = (text: string): string => text.normalize('NFKC').toLowerCase();

/** Whether a text contains a nick as a word, ignoring case. */
export const mentions = (text: string, nick: string): boolean =>
  nick !== '' &&
  new RegExp(`(?<!${WORD})${escapeRegExp(foldCase(nick))}(?!${WORD})`, 'u').test(foldCase(text));
