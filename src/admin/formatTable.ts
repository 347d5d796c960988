import { textWidth } from '../text/cells.js';
import { joinLines, sanitize, type SafeText } from '../text/sanitize.js';

/** A column: its title, and whether its values are numbers, which are right-aligned. */
export interface Column {
  readonly title: string;
  readonly isNumber?: boolean;
}

/** Formats rows as a table for people, with a line of titles. Values are sanitized, since they can come from clients. */
export const formatTable = (columns: readonly Column[], rows: readonly (readonly string[])[]): SafeText => {
  const lines = [columns.map(({ title }) => title), ...rows].map((line) =>
    line.map((cell) => sanitize(cell)),
  );
  const widths = columns.map((_, at) =>
    lines.reduce((width, line) => Math.max(width, textWidth(line[at] ?? '')), 0),
  );
  const pad = (cell: string, at: number): string => {
    const spaces = ' '.repeat(Math.max(0, (widths[at] ?? 0) - textWidth(cell)));
    return columns[at]?.isNumber === true ? spaces + cell : cell + spaces;
  };
  return joinLines(lines.map((line) => sanitize(line.map(pad).join('  ').trimEnd())));
};

/** Formats names and values, one pair per line. */
export const formatPairs = (pairs: readonly (readonly [name: string, value: string])[]): SafeText => {
  const width = Math.max(...pairs.map(([name]) => name.length));
  return joinLines(pairs.map(([name, value]) => sanitize(`${name.padEnd(width)}  ${value}`)));
};
