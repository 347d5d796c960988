import { type Cell, cells } from '../text/cells.js';
import type { Frame } from './editor/layout.js';
import { controlSequence, concatText, mapText, safe, joinLines, type SafeText } from '../text/sanitize.js';

/**
 * Draws a frame at the cursor, which must be in the first column. Leaves the cursor at its position in the
 * frame.
 *
 * That position is saved after the text before it, since terminals disagree on the width of some characters.
 * Automatic wrapping is off, because a row that the terminal takes for wider must not become two.
 */
export const renderFrame = ({ rows, cursor }: Frame): SafeText => {
  const [before, after] = splitAt(rows[cursor.row] ?? safe``, cursor.column);
  // The cursor's row is written last, because a row that scrolls the screen would move the saved position.
  const others = rows.map((row, at) => (at === cursor.row ? safe`` : row));
  return concatText(
    controlSequence('wrapOff'),
    joinLines(others),
    cursorUp(rows.length - 1 - cursor.row),
    controlSequence('start'),
    before,
    controlSequence('save'),
    after,
    controlSequence('restore'),
    controlSequence('wrapOn'),
  );
};

const cursorUp = (rows: number): SafeText => (rows > 0 ? controlSequence('up', rows) : safe``);

/** Splits a row at a column. */
const splitAt = (row: SafeText, column: number): readonly [SafeText, SafeText] => {
  let used = 0;
  let index = 0;
  for (const { text, width } of cells(row)) {
    if (used >= column) break;
    used += width;
    index += text.length;
  }
  return [mapText(row, (text) => text.slice(0, index)), mapText(row, (text) => text.slice(index))];
};

/**
 * Erases a drawn frame after a change of the width. `reflows`: whether the terminal rewrapped its rows. If
 * that is unknown, parts of the frame may stay, because the rows above belong to other output.
 *
 * Erases row by row: tmux may move the rows to its scrollback if everything from the very first cell is
 * cleared.
 */
export const eraseFrame = ({ rows, cursor }: Frame, columns: number, reflows: boolean): SafeText => {
  const countRows = (some: readonly SafeText[]) =>
    reflows
      ? some.reduce((sum, row) => sum + reflowedPosition(row, Infinity, columns).row + 1, 0)
      : some.length;
  const rowsAboveCursor = reflows
    ? reflowedPosition(rows[cursor.row] ?? safe``, cursor.column, columns).row
    : 0;
  const rowsBelow = countRows(rows) - 1;
  return concatText(
    controlSequence('start'),
    cursorUp(countRows(rows.slice(0, cursor.row)) + rowsAboveCursor),
    controlSequence('clearRow'),
    ...Array.from({ length: rowsBelow }, () =>
      concatText(controlSequence('down'), controlSequence('clearRow')),
    ),
    cursorUp(rowsBelow),
    controlSequence('clearBelow'),
  );
};

/**
 * Returns the position of a cell in a narrower terminal that wraps its row. After the last cell, it is the
 * position of the cursor in a full row.
 */
const reflowedPosition = (
  row: SafeText,
  column: number,
  columns: number,
): { readonly row: number; readonly column: number } => {
  let position = { row: 0, column: 0 };
  let used = 0;
  for (const cell of cells(row)) {
    const width = minWidth(cell);
    const at = position.column + width > columns ? { row: position.row + 1, column: 0 } : position;
    if (used >= column && cell.width > 0) return at;
    used += cell.width;
    position = { row: at.row, column: at.column + width };
  }
  return position;
};

/**
 * Returns the minimum width of a cell. Terminals disagree on emoji with a variation selector, and erasing too
 * few rows is better than too many.
 */
const minWidth = ({ text, width }: Cell): number => (text.includes('\ufe0f') ? Math.min(width, 1) : width);

/**
 * Whether a frame takes more rows after a change of the width. Counts the rows up to the cursor's, in a
 * terminal that wraps.
 */
export const reflowChangesRows = ({ rows, cursor }: Frame, columns: number): boolean =>
  rows.slice(0, cursor.row + 1).some((row) => reflowedPosition(row, Infinity, columns).row > 0);

/** Column beyond the right edge of every terminal. */
const FAR_RIGHT = 9999;

/** Asks the terminal for the cursor position, then for its last column: two reports. */
export const CURSOR_QUERY: SafeText = concatText(
  controlSequence('askCursor'),
  controlSequence('save'),
  controlSequence('right', FAR_RIGHT),
  controlSequence('askCursor'),
  controlSequence('restore'),
);

/**
 * Evidence of how the terminal handled its rows at a change of the width. It comes from the position of the
 * cursor.
 */
interface ReflowEvidence {
  /** Whether the position fits wrapped rows. */
  readonly matchesWrapped: boolean;
  /** Whether the position fits cut rows. */
  readonly matchesCut: boolean;
}

/**
 * Compares the reported column with those expected for wrapped and for cut rows. A terminal that wraps moves
 * the cursor with its cell; others leave it in its column or the last. If neither fits, the width has changed
 * again.
 */
export const reflowEvidence = (
  { rows, cursor }: Frame,
  columns: number,
  reported: number,
): ReflowEvidence => {
  const last = columns - 1;
  const row = rows[cursor.row] ?? safe``;
  // After the last cell of a full row, some terminals report a column that does not exist.
  const matches = (expected: number) => Math.min(reported, last) === Math.min(expected, last);
  // tmux ignores spaces at the end of a row and leaves the cursor before them.
  const trimmed = mapText(row, (text) => text.replace(/ +$/, ''));
  const wrappedColumns = [row, trimmed].map((each) => reflowedPosition(each, cursor.column, columns).column);
  return { matchesWrapped: wrappedColumns.some(matches), matchesCut: matches(cursor.column) };
};

/**
 * Whether the terminal is known to rewrap its rows when its width changes. tmux is, if nothing else is in
 * between.
 */
export const isReflowKnown = (env: Readonly<Record<string, string | undefined>>): boolean => {
  const has = (name: string) => (env[name] ?? '') !== '';
  const isTmux = has('TMUX') && /^(tmux|screen)/.test(env['TERM'] ?? '');
  return isTmux && !has('STY') && !has('XTERM_VERSION');
};
