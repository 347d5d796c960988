import { wrap } from '../../text/cells.js';
import { joinLines, sanitize, type SafeText } from '../../text/sanitize.js';

/** Row of two columns: a term and, after at least two spaces, its description. */
const TWO_COLUMN_ROW = /^( {2}\S.*? {2,})(\S.*)$/;

/**
 * Wraps a help text for a terminal with `columns` columns. Descriptions are wrapped in their column. If the
 * terms fill more than half of the columns, each description of the section goes below its term.
 */
export const wrapHelp = (help: string, columns: number): SafeText =>
  joinLines(
    help
      .split('\n\n')
      .flatMap((section) => [sanitize(''), wrapSection(section, columns)])
      .slice(1),
  );

const wrapSection = (section: string, columns: number): SafeText => {
  const rows = section.trimEnd().split('\n');
  const isNarrow = rows.some((row) => row.length > columns && leftColumn(row).length > columns / 2);
  return joinLines(
    rows.map((row) => {
      const left = leftColumn(row);
      const indent = row.startsWith(' ') ? 4 : 0;
      if (left === '') return wrap(sanitize(row), columns, indent);
      if (!isNarrow) return wrap(sanitize(row), columns, left.length);
      const below = sanitize(`      ${row.slice(left.length)}`);
      return joinLines([wrap(sanitize(left.trimEnd()), columns, indent), wrap(below, columns, 6)]);
    }),
  );
};

const leftColumn = (row: string): string => TWO_COLUMN_ROW.exec(row)?.[1] ?? '';
