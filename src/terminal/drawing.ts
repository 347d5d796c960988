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

/** Takes a view off the screen, that was drawn there and has gone through a change of the columns since. */
export const erased = (view: View, columns: number): Visible => {
  const above =
    view.rows.slice(0, view.cursor.row).reduce((sum, row) => sum + rowsIn(row, columns), 0) +
    Math.floor(view.cursor.column / columns);
  return joined(control('start'), up(above), control('clearBelow'));
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
