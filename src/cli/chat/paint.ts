import { expandTabs, type LongWords, width, wrap } from '../../terminal/cells.js';
import { reshaped, shown, joined, stacked, type Visible } from '../../terminal/visible.js';
import type { Style } from '../../terminal/style.js';
import { headOf, type Line } from './line.js';

/** What a line is drawn on. */
export interface Canvas {
  readonly columns: number;
  readonly style: Style;
  readonly utc: boolean;
}

/** A line as a terminal shows it: wrapped under its text, and coloured. */
export const paint = (line: Line, { columns, style, utc }: Canvas, long: LongWords = 'whole'): Visible => {
  if (line.tone === 'bare') return stacked(line.text);
  if (line.tone === 'mark') return stacked(line.text.map((row) => style.dim(rule(row, columns))));
  const [above, head] = termed(line, headOf(line, utc, style.nick), columns);
  const indent = Math.min(width(head), Math.floor(columns / 2));
  const rows = line.text.map((row, at) => {
    const before = at === 0 ? head : blank(indent);
    return wrap(joined(before, expandTabs(row)), columns, indent, long);
  });
  return tinted(line.tone, stacked([...above, ...rows]), style);
};

/** What stands above the text, and what before it. */
const termed = (
  { term }: Line,
  head: Visible,
  columns: number,
): readonly [above: readonly Visible[], before: Visible] => {
  if (term === undefined) return [[], head];
  const before = joined(head, term);
  if (width(before) <= columns / 2) return [[], before];
  const row = reshaped(before, (text) => text.trimEnd());
  return [[wrap(row, columns, width(head))], blank(width(head) + 2)];
};

/** The same in one row, cut at its end: for what is drawn again and again. */
export const paintShort = (line: Line, canvas: Canvas): Visible => {
  const short = reshaped(
    paint(line, { ...canvas, columns: canvas.columns - 1, style: PLAIN }, 'broken'),
    (all) => {
      const [first = '', ...others] = all.split('\n');
      return others.length > 0 ? `${first}\u2026` : first;
    },
  );
  return tinted(line.tone, short, canvas.style);
};

const PLAIN: Style = { nick: (name) => name, dim: (text) => text, alarm: (text) => text };

const tinted = (tone: Line['tone'], text: Visible, style: Style): Visible => {
  if (tone === 'alarm') return style.alarm(text);
  return tone === 'said' || tone === 'bare' ? text : style.dim(text);
};

const blank = (columns: number): Visible => reshaped(shown``, () => ' '.repeat(columns));

/** Words within a rule that is as wide as the terminal, up to a point. */
const rule = (words: Visible, columns: number): Visible => {
  const left = Math.min(columns, 60) - width(words);
  return left <= 0
    ? words
    : joined(
        words,
        reshaped(shown``, () => '\u2500'.repeat(left)),
      );
};
