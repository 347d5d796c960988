/** A line of a message, as a listener printed it. */
export interface ReceivedLine {
  readonly position: number;
  readonly index: number;
  readonly text: string;
}

/** Positions that a listener reported as missing, both ends included. */
export interface GapRange {
  readonly from: number;
  readonly to: number;
}

/** The output of one listener, in its order. */
export interface ListenerOutput {
  readonly lines: readonly ReceivedLine[];
  readonly gaps: readonly GapRange[];
}

/** What is known after a run. */
export interface Evidence {
  /** All sent lines; each begins with its sender and its number: `s1 17`. */
  readonly sent: readonly string[];
  /** The sent lines with a receipt. */
  readonly receipted: readonly string[];
  /** The log, read back from its beginning. */
  readonly log: ListenerOutput;
  /** Number of entries in the log that repeat an earlier token. */
  readonly repeatedTokens: number;
  /** Listeners that ran from the beginning to the end. */
  readonly listeners: readonly ListenerOutput[];
}

/** The outcome of a run, in numbers of lines. */
export interface DeliveryReport {
  readonly sent: number;
  /**
   * Lines with a receipt that are not in the log, and lines in the log that a listener neither received nor reported
   * as missing.
   */
  readonly lost: number;
  /** Lines that occur again in the log, or at a listener. */
  readonly repeated: number;
  /** Lines after a later line of the same sender, and lines at a listener in another place than in the log. */
  readonly outOfOrder: number;
  /** Number of reported gaps. */
  readonly holes: number;
}

/** A report without lost, repeated or misordered lines. */
export const allDelivered = (sent: number, holes = 0): DeliveryReport => ({
  sent,
  lost: 0,
  repeated: 0,
  outOfOrder: 0,
  holes,
});

/** Adds up reports. */
export const sumReports = (accounts: readonly DeliveryReport[]): DeliveryReport => {
  const sum = (of: keyof DeliveryReport) => accounts.reduce((before, account) => before + account[of], 0);
  return {
    sent: sum('sent'),
    lost: sum('lost'),
    repeated: sum('repeated'),
    outOfOrder: sum('outOfOrder'),
    holes: sum('holes'),
  };
};

/** Compares the sent lines with the received ones. Throws if there is a line that nobody sent. */
export const deliveryReport = ({
  sent,
  receipted,
  log,
  repeatedTokens,
  listeners,
}: Evidence): DeliveryReport => {
  const sentLines = new Set(sent);
  const hearings = [log, ...listeners];
  for (const { lines } of hearings)
    for (const { text } of lines)
      if (!sentLines.has(text)) throw new Error(`nobody said ${JSON.stringify(text)}`);

  const stored = new Set(log.lines.map(({ text }) => text));
  const unstored = receipted.filter((text) => !stored.has(text)).length;
  return {
    sent: sent.length,
    lost: unstored + sum(listeners, (listener) => missingLines(log, listener)),
    repeated: repeatedTokens + sum(hearings, repeatedLines),
    outOfOrder: sum(hearings, reorderedLines) + sum(listeners, (listener) => misplacedLines(log, listener)),
    holes: sum(hearings, ({ gaps }) => gaps.length),
  };
};

const sum = <T>(values: readonly T[], count: (value: T) => number): number =>
  values.reduce((before, value) => before + count(value), 0);

const positionKey = ({ position, index }: ReceivedLine): string => `${position}/${index}`;

/** Counts lines of the log that a listener neither received nor reported as missing. */
const missingLines = (log: ListenerOutput, { lines, gaps }: ListenerOutput): number => {
  const received = new Set(lines.map(({ text }) => text));
  const isMissed = (at: number) => gaps.some(({ from, to }) => from <= at && at <= to);
  return log.lines.filter(({ text, position }) => !received.has(text) && !isMissed(position)).length;
};

const repeatedLines = ({ lines }: ListenerOutput): number =>
  lines.length - new Set(lines.map(({ text }) => text)).size;

/** Counts lines after a later line of the same sender. */
const reorderedLines = ({ lines }: ListenerOutput): number => {
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

/** Counts lines that a listener received in another place than in the log, or after a later one. */
const misplacedLines = (log: ListenerOutput, { lines }: ListenerOutput): number => {
  const texts = new Map(log.lines.map((line) => [positionKey(line), line.text]));
  const isBehind = (line: ReceivedLine, before: ReceivedLine | undefined) =>
    before !== undefined &&
    (line.position < before.position || (line.position === before.position && line.index <= before.index));
  return lines.filter(
    (line, at) => texts.get(positionKey(line)) !== line.text || isBehind(line, lines[at - 1]),
  ).length;
};
