import { joined, shown, type Visible, visibleLines, visibleText } from '../../terminal/visible.js';
import { clock, dated } from './clock.js';

/** Something to show in a conversation, before it is wrapped and coloured. */
export interface Line {
  /** `said`: by somebody; `info` and `alarm`: of the program; `mark`: a rule across; `bare`: to be copied, as it is. */
  readonly tone: 'said' | 'pending' | 'info' | 'alarm' | 'mark' | 'bare';
  /** What becomes of a line of one's own: `◌`, `✗`. */
  readonly lead?: Visible;
  /** When it was said; the program's own words have no time. */
  readonly time?: number;
  /** The time may be wrong (`10:16?`), or is of another day (`26 Nov 10:16`). */
  readonly doubt?: 'clock' | 'date' | undefined;
  /** What stands before the nick, or before the text: `-->`, `--`, `!!`, `*`. */
  readonly sign?: Visible;
  /** Who it is about, with the mark that tells whether that is sure, and what stands behind it. */
  readonly who?: { readonly name: Visible; readonly key: string | undefined; readonly end: Visible };
  /** What the text tells of, in a column of its own; where there is no room for that, in a row of its own. */
  readonly term?: Visible;
  /** Its rows; most have one. Those of others are visible. */
  readonly text: readonly Visible[];
}

/** A line of the program's own words. */
export const info = (text: Visible): Line => ({ tone: 'info', sign: shown`--`, text: [text] });

/** Something that somebody should look at. */
export const alarm = (text: Visible): Line => ({ tone: 'alarm', sign: shown`!!`, text: [text] });

/** A rule with words in it. */
export const mark = (words: Visible): Line => ({
  tone: 'mark',
  text: [shown`\u2500\u2500 ${words} \u2500\u2500`],
});

/** Text that is to be copied: it is neither wrapped nor led by anything. */
export const bare = (...text: readonly Visible[]): Line => ({ tone: 'bare', text });

/** What others wrote, in the rows that they wrote it in. Tabs stay: who draws it on a screen expands them. */
export const rowsOf = (text: string): readonly Visible[] => text.split('\n').map((row) => visibleText(row));

/** The help, or other words of ours, a row each. */
export const infos = (text: string): readonly Line[] =>
  text.split('\n').map((row) => info(visibleLines(row)));

/** What stands before the text in its first row: the time, the sign, who it is. */
export const headOf = (
  { lead, time, doubt, sign, who }: Line,
  utc: boolean,
  paint: (name: Visible, key: string | undefined) => Visible = (name) => name,
): Visible =>
  joined(
    lead === undefined ? shown`` : joined(lead, shown` `),
    time === undefined ? shown`` : shown`${timeText(time, doubt, utc)} `,
    sign === undefined ? shown`` : joined(sign, shown` `),
    who === undefined ? shown`` : joined(paint(who.name, who.key), who.end, shown` `),
  );

const timeText = (time: number, doubt: Line['doubt'], utc: boolean): string => {
  if (doubt === 'date') return dated(time, utc);
  return doubt === 'clock' ? `${clock(time, utc)}?` : clock(time, utc);
};

/** A line as pipes have it: in one row, whatever is in it. */
export const plainLine = (line: Line, utc = false): Visible =>
  joined(
    headOf(line, utc),
    line.term ?? shown``,
    line.text.reduce((before, row) => joined(before, shown`\u240a`, row)),
  );
