import stringWidth from 'string-width';
import { segmentGraphemes } from './unicode.js';
import { mapText, type SafeText } from './sanitize.js';

/** Unbreakable piece of text: a grapheme, or an SGR sequence, which has no width. */
export interface Cell {
  readonly text: string;
  /** Width in terminal cells: 0, 1 or 2. */
  readonly width: number;
}

/** Splits a text at our own SGR sequences; a `SafeText` contains no others. */
// eslint-disable-next-line no-control-regex -- the pattern matches terminal sequences
const SGR_SEQUENCES = /(\x1b\[[\d;]*m)/;

const PLAIN = /^[\x20-\x7e]*$/;

/** Thai and Lao vowels that take a cell of their own after their letter. */
const EXTRA_CELL = /(?<=[^\n])[\u0e33\u0eb3]/g;

/** Returns the width of a text in terminal cells. Our own SGR sequences have no width. */
export const textWidth = (text: string): number =>
  PLAIN.test(text) ? text.length : cells(text).reduce((sum, each) => sum + each.width, 0);

const graphemeWidth = (grapheme: string): number =>
  stringWidth(grapheme) + (grapheme.match(EXTRA_CELL)?.length ?? 0);

/** Distance between tab stops, in columns. */
export const TAB_COLUMNS = 8;

/** Replaces tabs by spaces up to the next multiple of 8 columns. Each line begins at column 0. */
export const expandTabs = (text: SafeText): SafeText =>
  text.includes('\t') ? mapText(text, (all) => all.split('\n').map(expandLine).join('\n')) : text;

const expandLine = (line: string): string => {
  let column = 0;
  return line
    .split('\t')
    .map((part, at, { length }) => {
      const end = column + textWidth(part);
      column = at === length - 1 ? end : (Math.floor(end / TAB_COLUMNS) + 1) * TAB_COLUMNS;
      return part + ' '.repeat(column - end);
    })
    .join('');
};

/** Splits a text into cells. */
export const cells = (text: string): readonly Cell[] =>
  text.split(SGR_SEQUENCES).flatMap((part, at): readonly Cell[] => {
    if (at % 2 === 1) return [{ text: part, width: 0 }];
    if (PLAIN.test(part)) return Array.from(part, (each) => ({ text: each, width: 1 }));
    return Array.from(segmentGraphemes(part), ({ segment }) => segment).flatMap(graphemeCells);
  });

/**
 * Returns a grapheme as a cell. An endless grapheme, of vowels with a cell each, is split into characters.
 */
const graphemeCells = (grapheme: string): readonly Cell[] => {
  const size = graphemeWidth(grapheme);
  if (size <= 2) return [{ text: grapheme, width: size }];
  return Array.from(grapheme, (each) => ({ text: each, width: graphemeWidth(each) }));
};

/**
 * What to do with a word longer than a row. With `whole`, the terminal wraps it, which keeps links intact.
 */
export type LongWords = 'whole' | 'broken';

/**
 * Wraps a text into rows of at most `columns` columns, joined by line breaks. Breaks between words if
 * possible, and between wide characters. From the second row of each line on, indents by `indent` spaces, but
 * at most half of the columns.
 *
 * ```text
 * 12:30 bob: what did        22 columns, an indent of 11
 *            you say
 * ```
 */
export const wrap = (
  text: SafeText,
  columns: number,
  indent = 0,
  longWords: LongWords = 'broken',
): SafeText => {
  const indentColumns = Math.min(indent, Math.floor(columns / 2));
  return mapText(text, (all) =>
    all
      .split('\n')
      .map((line) => wrapLine(line, columns, indentColumns, longWords).join(`\n${' '.repeat(indentColumns)}`))
      .join('\n'),
  );
};

const wrapLine = (line: string, columns: number, indent: number, longWords: LongWords): readonly string[] => {
  const rows: string[] = [];
  let row = '';
  let usedColumns = 0;
  const before = () => (rows.length === 0 ? 0 : indent);
  const availableColumns = () => columns - before();
  const endRow = () => {
    rows.push(row.trimEnd());
    row = '';
    usedColumns = 0;
  };
  for (const word of splitWords(cells(line))) {
    const size = word.reduce((sum, each) => sum + each.width, 0);
    const isLong = size > columns - indent && !isSpace(word);
    if (isLong && longWords === 'whole' && usedColumns + size > availableColumns()) {
      // The terminal wraps the word itself, without an indent.
      row += word.map((each) => each.text).join('');
      usedColumns = ((before() + usedColumns + size) % columns) - before();
      continue;
    }
    // A word that fits into no row is broken where the current row is full.
    if (usedColumns > 0 && usedColumns + size > availableColumns() && !isLong && !isSpace(word)) endRow();
    for (const cell of word) {
      if (usedColumns > 0 && usedColumns + cell.width > availableColumns()) {
        // A space between two rows is not visible.
        if (isSpace(word)) break;
        endRow();
      }
      row += cell.text;
      usedColumns += cell.width;
    }
  }
  return [...rows, row];
};

const isSpace = (word: readonly Cell[]): boolean => word[0]?.text === ' ';

/** Splits cells into runs to keep together: letters or spaces. Each wide character is a run. */
const splitWords = (all: readonly Cell[]): readonly (readonly Cell[])[] => {
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
