import { cells } from './cells.js';
import type { View } from './editor/view.js';
import { control, joined, shown, stacked, type Visible } from './visible.js';

/**
 * Draws a view where the cursor is, in the first column; and puts the cursor in its place in it. Without wrapping of the
 * terminal's own: a row that it takes for wider than we do must not become two.
 */
export const drawn = ({ rows, cursor }: View): Visible =>
  joined(
    control('wrapOff'),
    stacked(rows),
    control('wrapOn'),
    up(rows.length - 1 - cursor.row),
    control('column', cursor.column + 1),
  );

const up = (rows: number): Visible => (rows > 0 ? control('up', rows) : shown``);

/**
 * Takes a view off the screen, that was drawn there and has gone through a change of the columns since. Row by row: a terminal
 * that is told to clear all from its very first cell on can keep what stood there in its scrollback (tmux).
 */
export const erased = ({ rows, cursor }: View, columns: number): Visible => {
  const count = (some: readonly Visible[]) => some.reduce((sum, row) => sum + rowsIn(row, columns), 0);
  const below = count(rows) - 1;
  return joined(
    control('start'),
    up(count(rows.slice(0, cursor.row)) + Math.floor(cursor.column / columns)),
    control('clearRow'),
    ...Array.from({ length: below }, () => joined(control('down'), control('clearRow'))),
    up(below),
    control('clearBelow'),
  );
};

/** How many rows one row has become in a narrower terminal. */
const rowsIn = (row: Visible, columns: number): number => {
  let rows = 1;
  let used = 0;
  for (const { width } of cells(row)) {
    if (used + width > columns) {
      rows += 1;
      used = 0;
    }
    used += width;
  }
  return rows;
};
