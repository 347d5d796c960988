/** Formats figures and tables in Markdown, aligned so that a terminal can show them too. */

/** Formats a number with three significant digits, with a unit of thousands if it is large. */
export const figure = (value) => {
  if (value === undefined || !Number.isFinite(value)) return '-';
  for (const [unit, size] of [
    [' M', 1e6],
    [' k', 1e4],
  ])
    if (Math.abs(value) >= size) return `${(value / (unit === ' k' ? 1e3 : size)).toPrecision(3)}${unit}`;
  if (Math.abs(value) >= 100) return value.toFixed(0);
  return value === 0 ? '0' : String(Number(value.toPrecision(2 + (Math.abs(value) >= 1 ? 1 : 0))));
};

/** `median (min–max)` */
export const spread = ({ median, min, max }, unit = '') =>
  Number.isFinite(median) && Number.isFinite(min)
    ? `${figure(median)}${unit} (${figure(min)}–${figure(max)})`
    : '-';

/** `2.5x (2.1–3)` */
export const times = (ratio) => spread(ratio, 'x');

/**
 * @param {readonly string[]} head the first column is text, the others are figures
 * @param {readonly (readonly string[])[]} rows
 */
export const table = (head, rows) => {
  const widths = head.map((word, at) => Math.max(3, word.length, ...rows.map((row) => row[at].length)));
  const line = (cells) =>
    `| ${cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]) : cell.padStart(widths[at]))).join(' | ')} |`;
  const rule = widths.map((width, at) => (at === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [line(head), line(rule), ...rows.map(line)].join('\n');
};
