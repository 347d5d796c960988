import {
  concatText,
  safe,
  type SafeText,
  sanitizeMessage,
  mapText,
  joinLines,
} from '../../../../text/sanitize.js';
import { formatTime, formatDateTime } from '../../../../text/format.js';
import { expandTabs, type LongWords, textWidth, wrap } from '../../../../text/cells.js';
import type { Style } from '../../../../terminal/style.js';

/** A line of a conversation, before it is wrapped and coloured. */
export interface Line {
  /**
   * The kind of line, which sets its colour.
   * `said` is from a member, `pending` is not stored yet, `info` and `alarm` are from rxchat.
   * `mark` is a separator, and `bare` is text to copy.
   */
  readonly tone: 'said' | 'pending' | 'info' | 'alarm' | 'mark' | 'bare';
  /** The state of an own line: `◌` or `✗`. */
  readonly status?: SafeText;
  /** The time of the message in ms since 1970; lines of rxchat have none. */
  readonly time?: number;
  /** `clock`: the time may be wrong (`10:16?`); `date`: another day (`26 Nov 10:16`). */
  readonly doubt?: 'clock' | 'date' | undefined;
  /** The sign before the nick or the text: `-->`, `--`, `!!`, `*`. */
  readonly prefix?: SafeText;
  /** The sender: nick with trust mark, key, and the text after the nick. */
  readonly author?: { readonly name: SafeText; readonly key: string | undefined; readonly end: SafeText };
  /** The term that the text explains, in its own column or row. */
  readonly term?: SafeText;
  /** The rows of the text, usually one. Text from others is sanitized. */
  readonly rows: readonly SafeText[];
}

/** Returns a line of information from rxchat. */
export const info = (text: SafeText): Line => ({ tone: 'info', prefix: safe`--`, rows: [text] });

/** Returns a line of warning from rxchat. */
export const alarm = (text: SafeText): Line => ({ tone: 'alarm', prefix: safe`!!`, rows: [text] });

/** Returns a separator with text in it. */
export const separator = (text: SafeText): Line => ({
  tone: 'mark',
  rows: [safe`\u2500\u2500 ${text} \u2500\u2500`],
});

/** Returns lines to copy, without a prefix and without wrapping. */
export const verbatim = (...text: readonly SafeText[]): Line => ({ tone: 'bare', rows: text });

/**
 * Sanitizes text from others and splits it into rows.
 * Tabs stay, because the screen expands them.
 */
export const sanitizeRows = (text: string): readonly SafeText[] =>
  text.split('\n').map((row) => sanitizeMessage(row));

/** Returns the text before the first row: the time, the sign and the sender. */
const linePrefix = (
  { status, time, doubt, prefix, author }: Line,
  utc: boolean,
  renderName: (name: SafeText, key: string | undefined) => SafeText = (name) => name,
): SafeText =>
  concatText(
    status === undefined ? safe`` : concatText(status, safe` `),
    time === undefined ? safe`` : safe`${timeText(time, doubt, utc)} `,
    prefix === undefined ? safe`` : concatText(prefix, safe` `),
    author === undefined ? safe`` : concatText(renderName(author.name, author.key), author.end, safe` `),
  );

const timeText = (time: number, doubt: Line['doubt'], utc: boolean): string => {
  if (doubt === 'date') return formatDateTime(time, utc);
  return doubt === 'clock' ? `${formatTime(time, utc)}?` : formatTime(time, utc);
};

/** Formats a line for pipes, in a single row. */
export const formatLine = (line: Line, utc = false): SafeText =>
  concatText(
    linePrefix(line, utc),
    line.term ?? safe``,
    line.rows.reduce((before, row) => concatText(before, safe`\u240a`, row)),
  );

/** The width and style to render with. */
interface RenderOptions {
  readonly columns: number;
  readonly style: Style;
  readonly utc: boolean;
}

/** Renders a line for a terminal, wrapped below its text and coloured. */
export const renderLine = (
  line: Line,
  { columns, style, utc }: RenderOptions,
  longWords: LongWords = 'whole',
): SafeText => {
  if (line.tone === 'bare') return joinLines(line.rows);
  if (line.tone === 'mark') return joinLines(line.rows.map((row) => style.dim(drawSeparator(row, columns))));
  const [above, head] = layoutTerm(line, linePrefix(line, utc, style.nick), columns);
  const indent = Math.min(textWidth(head), Math.floor(columns / 2));
  const rows = line.rows.map((row, at) => {
    const before = at === 0 ? head : spaces(indent);
    return wrap(concatText(before, expandTabs(row)), columns, indent, longWords);
  });
  return applyTone(line.tone, joinLines([...above, ...rows]), style);
};

/** Returns the rows above the text, and the prefix before it. */
const layoutTerm = (
  { term }: Line,
  head: SafeText,
  columns: number,
): readonly [above: readonly SafeText[], before: SafeText] => {
  if (term === undefined) return [[], head];
  const before = concatText(head, term);
  if (textWidth(before) <= columns / 2) return [[], before];
  const row = mapText(before, (text) => text.trimEnd());
  return [[wrap(row, columns, textWidth(head))], spaces(textWidth(head) + 2)];
};

/** Renders a line in one row, cut at its end, for the footer. */
export const renderShort = (line: Line, options: RenderOptions): SafeText => {
  const short = mapText(
    renderLine(line, { ...options, columns: options.columns - 1, style: PLAIN }, 'broken'),
    (all) => {
      const [first = '', ...others] = all.split('\n');
      return others.length > 0 ? `${first}\u2026` : first;
    },
  );
  return applyTone(line.tone, short, options.style);
};

const PLAIN: Style = { nick: (name) => name, dim: (text) => text, alarm: (text) => text };

const applyTone = (tone: Line['tone'], text: SafeText, style: Style): SafeText => {
  if (tone === 'alarm') return style.alarm(text);
  return tone === 'said' || tone === 'bare' ? text : style.dim(text);
};

const spaces = (columns: number): SafeText => mapText(safe``, () => ' '.repeat(columns));

/** Draws a separator with text in it, at most 60 columns wide. */
const drawSeparator = (text: SafeText, columns: number): SafeText => {
  const left = Math.min(columns, 60) - textWidth(text);
  return left <= 0
    ? text
    : concatText(
        text,
        mapText(safe``, () => '\u2500'.repeat(left)),
      );
};
