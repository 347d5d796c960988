import { wrap } from '../terminal/cells.js';
import { stacked, visible, type Visible } from '../terminal/visible.js';

/** A row of two columns: what is there, and behind at least two spaces what it is for. */
const ROW = /^( {2}\S.*? {2,})(\S.*)$/;

/**
 * A help as a terminal of so many columns shows it: what something is for is wrapped under itself; below what it is for,
 * where that takes more than half of the columns, and then in the whole section, so that it stays one list.
 */
export const wrapHelp = (help: string, columns: number): Visible =>
  stacked(
    help
      .split('\n\n')
      .flatMap((section) => [visible(''), sectionOf(section, columns)])
      .slice(1),
  );

const sectionOf = (section: string, columns: number): Visible => {
  const rows = section.trimEnd().split('\n');
  const isTight = rows.some((row) => row.length > columns && leftOf(row).length > columns / 2);
  return stacked(
    rows.map((row) => {
      const left = leftOf(row);
      const indent = row.startsWith(' ') ? 4 : 0;
      if (left === '') return wrap(visible(row), columns, indent);
      if (!isTight) return wrap(visible(row), columns, left.length);
      const below = visible(`      ${row.slice(left.length)}`);
      return stacked([wrap(visible(left.trimEnd()), columns, indent), wrap(below, columns, 6)]);
    }),
  );
};

const leftOf = (row: string): string => ROW.exec(row)?.[1] ?? '';
