import { styleText, type SafeText, sanitizeLines } from '../../../../text/sanitize.js';
import { textWidth } from '../../../../text/cells.js';
import type { ColourCount } from '../../../../terminal/style.js';
import { verbatim, info, type Line } from './line.js';
import { safe } from '../../../../text/sanitize.js';

/** Light modules around a code; scanners need a border to find the code. */
const BORDER = 2;

/** Half blocks for two modules, upper and lower, by which of them are light. */
const HALF_BLOCKS = { both: '\u2588', upper: '\u2580', lower: '\u2584', none: ' ' } as const;

/** Encodes a text as a QR code in half blocks, drawing only the light modules. */
export const qrRows = async (text: string): Promise<readonly string[]> => {
  const { default: encode } = await import('qr');
  // `true` is a dark module.
  const modules = encode(text, 'raw', { ecc: 'low', border: BORDER });
  return modules.flatMap((row, y) => {
    if (y % 2 === 1) return [];
    // The row below the last is light, as the border is.
    const below = modules[y + 1] ?? row.map(() => false);
    const halves = row.map((isDark, x) => {
      if (!isDark) return below[x] === true ? HALF_BLOCKS.upper : HALF_BLOCKS.both;
      return below[x] === true ? HALF_BLOCKS.none : HALF_BLOCKS.lower;
    });
    return [halves.join('')];
  });
};

/**
 * Encodes a text as a QR code for a terminal.
 * With colours it is black on white on any terminal. Without colours the light modules have the text colour of the
 * terminal.
 */
export const qrLines = async (
  text: string,
  columns: number,
  colours: ColourCount,
): Promise<readonly Line[]> => {
  const rows = await qrRows(text);
  const needed = textWidth(rows[0] ?? '');
  if (needed > columns)
    return [info(safe`the QR code needs ${needed} columns, and there are ${columns}; widen the terminal`)];
  return [verbatim(...rows.map((row) => blackOnWhite(sanitizeLines(row), colours)))];
};

const blackOnWhite = (row: SafeText, colours: ColourCount): SafeText => {
  if (colours === 0) return row;
  // The drawn modules are the light ones, so the text is white on black.
  return styleText(row, colours === 256 ? [38, 5, 231, 48, 5, 16] : [97, 40], 0);
};
