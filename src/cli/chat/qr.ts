import { styled, type Visible, visibleLines } from '../../terminal/visible.js';
import { width } from '../../terminal/cells.js';
import type { Colours } from '../../terminal/style.js';
import { bare, info, type Line } from './line.js';
import { shown } from '../../terminal/visible.js';

/** Modules of light round a code, without which none is found. */
const BORDER = 2;

/** Two modules, one above the other, by which of them are light. */
const HALVES = { both: '\u2588', upper: '\u2580', lower: '\u2584', none: ' ' } as const;

/** A text as a QR code, in half blocks: light modules are drawn, dark ones are left out. */
export const qrRows = async (text: string): Promise<readonly string[]> => {
  const { default: encode } = await import('qr');
  // Its modules are dark where they are set.
  const modules = encode(text, 'raw', { ecc: 'low', border: BORDER });
  return modules.flatMap((row, y) => {
    if (y % 2 === 1) return [];
    // What is below the last row is light, as the border is.
    const below = modules[y + 1] ?? row.map(() => false);
    const halves = row.map((dark, x) => {
      if (!dark) return below[x] === true ? HALVES.upper : HALVES.both;
      return below[x] === true ? HALVES.none : HALVES.lower;
    });
    return [halves.join('')];
  });
};

/**
 * A text as a QR code for a terminal. With colours it is black on white, whatever the terminal is; without, light is what
 * the terminal writes with.
 */
export const qrLines = async (text: string, columns: number, colours: Colours): Promise<readonly Line[]> => {
  const rows = await qrRows(text);
  const needed = width(rows[0] ?? '');
  if (needed > columns)
    return [info(shown`the code needs ${needed} columns, and there are ${columns}: make the terminal wider`)];
  return [bare(...rows.map((row) => blackOnWhite(visibleLines(row), colours)))];
};

const blackOnWhite = (row: Visible, colours: Colours): Visible => {
  if (colours === 0) return row;
  // What is drawn is light: white on black.
  return styled(row, colours === 256 ? [38, 5, 231, 48, 5, 16] : [97, 40], 0);
};
