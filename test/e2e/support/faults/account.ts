/** A line of a message, as a listener printed it. */
export interface Line {
  readonly position: number;
  readonly index: number;
  readonly text: string;
}

/** Positions that a listener was told it misses, both ends included. */
export interface Hole {
  readonly from: number;
  readonly to: number;
}

/** All that one listener printed, in its order. */
export interface Hearing {
  readonly lines: readonly Line[];
  readonly holes: readonly Hole[];
}

/** What is known when all is over. */
export interface Evidence {
  /** All that was said; each line begins with its sender and its number: `s1 17`. */
  readonly sent: readonly string[];
  /** What of it is stored, as its sender knows. */
  readonly receipted: readonly string[];
  /** The log, read back from its beginning. */
  readonly log: Hearing;
  /** How many of the log's entries are one of its tokens once more. */
  readonly repeatedTokens: number;
  /** Those who listened from the beginning to the end. */
  readonly listeners: readonly Hearing[];
}

/** What became of it, in lines. */
export interface Account {
  readonly sent: number;
  /** They had a receipt and are not in the log; or are in the log, and a listener neither heard nor missed them. */
  readonly lost: number;
  /** Once more in the log, or at a listener. */
  readonly repeated: number;
  /** After a later one of the same sender; or in another place at a listener than in the log. */
  readonly outOfOrder: number;
  /** How many times somebody was told that something is missing. */
  readonly holes: number;
}

/** An account in which everything is as it should be. */
export const allWell = (sent: number, holes = 0): Account => ({
  sent,
  lost: 0,
  repeated: 0,
  outOfOrder: 0,
  holes,
});

/** Several accounts as one. */
export const total = (accounts: readonly Account[]): Account => {
  const sum = (of: keyof Account) => accounts.reduce((before, account) => before + account[of], 0);
  return {
    sent: sum('sent'),
    lost: sum('lost'),
    repeated: sum('repeated'),
    outOfOrder: sum('outOfOrder'),
    holes: sum('holes'),
  };
};

/** Compares what was said with what is there. Throws where something is there that nobody said. */
export const accountOf = ({ sent, receipted, log, repeatedTokens, listeners }: Evidence): Account => {
  const said = new Set(sent);
  const hearings = [log, ...listeners];
  for (const { lines } of hearings)
    for (const { text } of lines) if (!said.has(text)) throw new Error(`nobody said ${JSON.stringify(text)}`);

  const stored = new Set(log.lines.map(({ text }) => text));
  const unstored = receipted.filter((text) => !stored.has(text)).length;
  return {
    sent: sent.length,
    lost: unstored + sum(listeners, (listener) => unheard(log, listener)),
    repeated: repeatedTokens + sum(hearings, repeats),
    outOfOrder: sum(hearings, overtaken) + sum(listeners, (listener) => misplaced(log, listener)),
    holes: sum(hearings, ({ holes }) => holes.length),
  };
};

const sum = <T>(values: readonly T[], count: (value: T) => number): number =>
  values.reduce((before, value) => before + count(value), 0);

const placeOf = ({ position, index }: Line): string => `${position}/${index}`;

/** Lines of the log that a listener neither printed nor was told to miss. */
const unheard = (log: Hearing, { lines, holes }: Hearing): number => {
  const heard = new Set(lines.map(({ text }) => text));
  const isMissed = (at: number) => holes.some(({ from, to }) => from <= at && at <= to);
  return log.lines.filter(({ text, position }) => !heard.has(text) && !isMissed(position)).length;
};

const repeats = ({ lines }: Hearing): number => lines.length - new Set(lines.map(({ text }) => text)).size;

/** Lines that stand behind a later one of the same sender. */
const overtaken = ({ lines }: Hearing): number => {
  const newest = new Map<string, number>();
  let count = 0;
  for (const { text } of lines) {
    const [sender = '', number] = text.split(' ');
    const n = Number(number);
    if (n < (newest.get(sender) ?? 0)) count += 1;
    else newest.set(sender, n);
  }
  return count;
};

/** Lines that a listener heard in another place than where they stand in the log, or after a later one. */
const misplaced = (log: Hearing, { lines }: Hearing): number => {
  const texts = new Map(log.lines.map((line) => [placeOf(line), line.text]));
  const isBehind = (line: Line, before: Line | undefined) =>
    before !== undefined &&
    (line.position < before.position || (line.position === before.position && line.index <= before.index));
  return lines.filter((line, at) => texts.get(placeOf(line)) !== line.text || isBehind(line, lines[at - 1]))
    .length;
};
