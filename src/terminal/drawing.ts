import { type Cell, cells } from './cells.js';
import type { View } from './editor/view.js';
import { control, joined, reshaped, shown, stacked, type Visible } from './visible.js';

/**
 * Draws a view at the cursor, which is in the first column, and leaves the cursor in its place in the view. That place is
 * saved and restored where the text before it ends: terminals disagree on how wide some characters are. Without wrapping of
 * the terminal's own, because a row that it takes for wider than we do must not become two.
 */
export const drawn = ({ rows, cursor }: View): Visible => {
  const [before, behind] = splitAt(rows[cursor.row] ?? shown``, cursor.column);
  // The cursor's row comes last: a row that scrolls the screen would move what was saved.
  const others = rows.map((row, at) => (at === cursor.row ? shown`` : row));
  return joined(
    control('wrapOff'),
    stacked(others),
    up(rows.length - 1 - cursor.row),
    control('start'),
    before,
    control('save'),
    behind,
    control('restore'),
    control('wrapOn'),
  );
};

const up = (rows: number): Visible => (rows > 0 ? control('up', rows) : shown``);

/** The parts of a row before a column and from it on. */
const splitAt = (row: Visible, column: number): readonly [Visible, Visible] => {
  let used = 0;
  let index = 0;
  for (const { text, width } of cells(row)) {
    if (used >= column) break;
    used += width;
    index += text.length;
  }
  return [reshaped(row, (text) => text.slice(0, index)), reshaped(row, (text) => text.slice(index))];
};

/**
 * Takes a view off the screen that was drawn there and has gone through a change of the columns since; `reflows`: whether
 * the terminal has wrapped its rows then. If that is not known, rests of the view may stay, because what stands above it
 * belongs to others. Row by row: a terminal that has to clear all from its very first cell on can keep what was there in
 * its scrollback (tmux).
 */
export const erased = ({ rows, cursor }: View, columns: number, reflows: boolean): Visible => {
  const count = (some: readonly Visible[]) =>
    reflows ? some.reduce((sum, row) => sum + placeIn(row, Infinity, columns).row + 1, 0) : some.length;
  const within = reflows ? placeIn(rows[cursor.row] ?? shown``, cursor.column, columns).row : 0;
  const below = count(rows) - 1;
  return joined(
    control('start'),
    up(count(rows.slice(0, cursor.row)) + within),
    control('clearRow'),
    ...Array.from({ length: below }, () => joined(control('down'), control('clearRow'))),
    up(below),
    control('clearBelow'),
  );
};

/**
 * Where the cell at a column of a row is in a terminal with fewer columns that wraps the row; behind its last cell, where
 * the cursor stays in a row that is full.
 */
const placeIn = (
  row: Visible,
  column: number,
  columns: number,
): { readonly row: number; readonly column: number } => {
  let place = { row: 0, column: 0 };
  let used = 0;
  for (const cell of cells(row)) {
    const width = leastWidth(cell);
    const at = place.column + width > columns ? { row: place.row + 1, column: 0 } : place;
    if (used >= column && cell.width > 0) return at;
    used += cell.width;
    place = { row: at.row, column: at.column + width };
  }
  return place;
};

/** Terminals disagree on emoji that a variation selector makes, and too few rows are better than too many. */
const leastWidth = ({ text, width }: Cell): number => (text.includes('\ufe0f') ? Math.min(width, 1) : width);

/** Whether a view takes more rows after a change of the columns in a terminal that wraps, above the cursor or in its row. */
export const isAffected = ({ rows, cursor }: View, columns: number): boolean =>
  rows.slice(0, cursor.row + 1).some((row) => placeIn(row, Infinity, columns).row > 0);

/** More columns than any terminal has. */
const FAR = 9999;

/** Asks the terminal where its cursor is, and then for the last column that it has: two reports. */
export const asked: Visible = joined(
  control('askCursor'),
  control('save'),
  control('right', FAR),
  control('askCursor'),
  control('restore'),
);

/** What the place of the cursor says about the terminal after a change of its columns. */
export interface Evidence {
  /** The cursor is where it is if the rows were wrapped. */
  readonly wrapped: boolean;
  /** It is where it is if they were cut off. */
  readonly cut: boolean;
}

/**
 * Compares the column that the cursor is in with those that it may be in: a terminal that wraps takes it along with its
 * cell, another one leaves it in its column, or in the last. Neither: the terminal has other columns by now.
 */
export const evidenceOf = ({ rows, cursor }: View, columns: number, reported: number): Evidence => {
  const last = columns - 1;
  const row = rows[cursor.row] ?? shown``;
  // Behind the last cell of a full row some terminals name a column that there is not.
  const is = (expected: number) => Math.min(reported, last) === Math.min(expected, last);
  // Spaces at the end of a row are nothing to tmux: it leaves the cursor before them.
  const used = reshaped(row, (text) => text.replace(/ +$/, ''));
  const places = [row, used].map((each) => placeIn(each, cursor.column, columns).column);
  return { wrapped: places.some(is), cut: is(cursor.column) };
};

/** Whether a terminal is known to wrap its rows when its columns change: tmux is, if nothing else is in between. */
export const reflowBy = (env: Readonly<Record<string, string | undefined>>): boolean => {
  const has = (name: string) => (env[name] ?? '') !== '';
  const isTmux = has('TMUX') && /^(tmux|screen)/.test(env['TERM'] ?? '');
  return isTmux && !has('STY') && !has('XTERM_VERSION');
};
