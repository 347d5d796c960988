import stringWidth from 'string-width';
import { graphemesOf } from './graphemes.js';
import { reshaped, type Visible } from './visible.js';

/** A piece of text that no row breaks: a grapheme, or an SGR sequence, which takes no place. */
export interface Cell {
  readonly text: string;
  /** In cells of the terminal: 0, 1, 2. */
  readonly width: number;
}

/** What stands between sequences that are our own: `Visible` holds no other. */
// eslint-disable-next-line no-control-regex
const PARTS = /(\x1b\[[\d;]*m)/;

const PLAIN = /^[\x20-\x7e]*$/;

/** A vowel of Thai and of Lao that belongs to the letter before it, and yet stands behind it. */
const ANOTHER_CELL = /(?<=[^\n])[\u0e33\u0eb3]/g;

/** How many cells of the terminal a text takes in one row; our own SGR sequences take none. */
export const width = (text: string): number =>
  PLAIN.test(text) ? text.length : cells(text).reduce((sum, each) => sum + each.width, 0);

const measured = (grapheme: string): number =>
  stringWidth(grapheme) + (grapheme.match(ANOTHER_CELL)?.length ?? 0);

/** From one tab stop of a terminal to the next, in columns. */
export const TAB_COLUMNS = 8;

/** A text whose tabs are spaces up to the next column that is a multiple of 8; each line begins at column 0. */
export const expandTabs = (text: Visible): Visible =>
  text.includes('\t') ? reshaped(text, (all) => all.split('\n').map(expandLine).join('\n')) : text;

const expandLine = (line: string): string => {
  let column = 0;
  return line
    .split('\t')
    .map((part, at, { length }) => {
      const end = column + width(part);
      column = at === length - 1 ? end : (Math.floor(end / TAB_COLUMNS) + 1) * TAB_COLUMNS;
      return part + ' '.repeat(column - end);
    })
    .join('');
};

/** A text as what is drawn, one after the other. */
export const cells = (text: string): readonly Cell[] =>
  text.split(PARTS).flatMap((part, at): readonly Cell[] => {
    if (at % 2 === 1) return [{ text: part, width: 0 }];
    if (PLAIN.test(part)) return Array.from(part, (each) => ({ text: each, width: 1 }));
    return Array.from(graphemesOf(part), ({ segment }) => segment).flatMap(pieces);
  });

/** A grapheme; one that has no end, of vowels that each take a cell, by its characters. */
const pieces = (grapheme: string): readonly Cell[] => {
  const size = measured(grapheme);
  if (size <= 2) return [{ text: grapheme, width: size }];
  return Array.from(grapheme, (each) => ({ text: each, width: measured(each) }));
};

/** What becomes of a word that is longer than a row: the terminal wraps it, which keeps links whole, or it is broken. */
export type LongWords = 'whole' | 'broken';

/**
 * A text in rows of at most so many columns, with line breaks between them: between words where that is possible, and between
 * wide characters. From the second row of each line on, `indent` spaces stand before it; at most half of the columns.
 *
 * ```text
 * 12:30 bob: what did        22 columns, an indent of 11
 *            you say
 * ```
 */
export const wrap = (text: Visible, columns: number, indent = 0, long: LongWords = 'broken'): Visible => {
  const before = Math.min(indent, Math.floor(columns / 2));
  return reshaped(text, (all) =>
    all
      .split('\n')
      .map((line) => rowsOf(line, columns, before, long).join(`\n${' '.repeat(before)}`))
      .join('\n'),
  );
};

const rowsOf = (line: string, columns: number, indent: number, long: LongWords): readonly string[] => {
  const rows: string[] = [];
  let row = '';
  let used = 0;
  const before = () => (rows.length === 0 ? 0 : indent);
  const room = () => columns - before();
  const end = () => {
    rows.push(row.trimEnd());
    row = '';
    used = 0;
  };
  for (const word of wordsOf(cells(line))) {
    const size = word.reduce((sum, each) => sum + each.width, 0);
    const isLong = size > columns - indent && !isSpace(word);
    if (isLong && long === 'whole' && used + size > room()) {
      // It goes on in rows of the terminal's own, which have no indent.
      row += word.map((each) => each.text).join('');
      used = ((before() + used + size) % columns) - before();
      continue;
    }
    // What does not fit into any row is broken where this one is full.
    if (used > 0 && used + size > room() && !isLong && !isSpace(word)) end();
    for (const cell of word) {
      if (used > 0 && used + cell.width > room()) {
        // A space that stands between two rows is not seen.
        if (isSpace(word)) break;
        end();
      }
      row += cell.text;
      used += cell.width;
    }
  }
  return [...rows, row];
};

const isSpace = (word: readonly Cell[]): boolean => word[0]?.text === ' ';

/** Runs that are better not broken: of letters, of spaces; each wide character alone. */
const wordsOf = (all: readonly Cell[]): readonly (readonly Cell[])[] => {
  const words: Cell[][] = [];
  let kind = '';
  for (const cell of all) {
    const now = cell.width === 2 ? 'wide' : cell.text === ' ' ? 'space' : 'letters';
    const last = words.at(-1);
    if (last !== undefined && (cell.width === 0 || (now === kind && now !== 'wide'))) last.push(cell);
    else words.push([cell]);
    if (cell.width > 0) kind = now;
  }
  return words;
};
