import type { Spool } from '../../shared/spool.js';
import { printNote, CliError, Exit } from '../../process/exit.js';
import { safe, safeJson, joinLines, type SafeText } from '../../../text/sanitize.js';
import { writeError, writeOut } from '../../../terminal/write.js';
import type { ClientEvent, Token } from '../../../../streams/index.js';

/** Minimum time in ms between two reports. */
export const REPORT_INTERVAL_MS = 5000;

interface ReportDroppedOptions {
  readonly room: string;
  /** Also prints a JSON line on standard output; docs/json.md describes it. */
  readonly isJson: boolean;
  /** Prints nothing on standard error. */
  readonly isQuiet: boolean;
}

/** Returns a function that reports dropped lines when their total has grown. */
export const reportDropped = ({ room, isJson, isQuiet }: ReportDroppedOptions): ((total: number) => void) => {
  let reported = 0;
  return (total) => {
    const count = total - reported;
    if (count <= 0) return;
    reported = total;
    if (!isQuiet) writeError(safe`rxchat: lines dropped: ${count}, so far ${total}`);
    if (isJson) writeOut(safeJson({ v: 1, type: 'dropped', room, count, total }));
  };
};

/**
 * Returns a function that reports once that standard output is closed.
 * Sending continues nevertheless.
 */
export const noteOutputClosed = (what: 'copy' | 'receipts', isQuiet: boolean): (() => void) => {
  let isReported = isQuiet;
  return () => {
    if (!isReported) printNote(`nobody reads the ${what} any more; sending continues`);
    isReported = true;
  };
};

/**
 * Returns a formatter for the receipts of `send --json`, a JSON line per message.
 * docs/json.md describes the lines.
 */
export const receiptLines = (room: string): ((event: ClientEvent) => SafeText | undefined) => {
  const firstNumbers = new Map<readonly string[] | Token, number>();
  let sentCount = 0;

  return (event) => {
    if (event.type === 'queued') {
      firstNumbers.set(event.token, sentCount + 1);
      // The token changes if the keys of a group change before the receipt.
      firstNumbers.set(event.lines, sentCount + 1);
      sentCount += event.lines.length;
    }
    if (event.type !== 'stored') return undefined;
    const { token, lines, position = null } = event;
    const first = firstNumbers.get(lines) ?? firstNumbers.get(token) ?? 0;
    firstNumbers.delete(token);
    firstNumbers.delete(lines);
    return joinLines(
      lines.map((_, index) =>
        safeJson({ v: 1, type: 'stored', room, message: first + index, position, index }),
      ),
    );
  };
};

/** Counts what happened to the lines of a sender. */
export interface Outcome {
  /** Lines with a receipt: the relay has stored them. */
  readonly stored: number;
  /** Lines that were read and have no receipt. */
  readonly unconfirmed: number;
  /** Lines that were dropped because of `--drop`. */
  readonly dropped: number;
  /** Whether all of the input was read, which makes the numbers exact. */
  readonly isInputComplete: boolean;
  /** Whether the relay admitted the sender; if so, lines without a receipt may have arrived. */
  readonly hasJoined: boolean;
}

/** Formats an outcome, such as `sent 93 of 100, 7 not confirmed`. */
export const outcomeText = ({
  stored,
  unconfirmed,
  dropped,
  isInputComplete,
  hasJoined,
}: Outcome): string => {
  const atLeast = isInputComplete ? '' : 'at least ';
  const all = `${stored} of ${atLeast}${stored + unconfirmed + dropped}`;
  const isUnsure = hasJoined && unconfirmed > 0;
  return [
    hasJoined || stored > 0 ? `sent ${all}` : `nothing was sent (${all})`,
    ...(dropped === 0 ? [] : [`${dropped} dropped`]),
    ...(isUnsure ? [`${atLeast}${unconfirmed} not confirmed`] : []),
  ].join(', ');
};

/** Adds the outcome to a failure, and sets the exit code for partial success. */
export const withOutcome = ({ exitCode, message, hint }: CliError, outcome: Outcome): CliError => {
  const lost = outcome.unconfirmed + outcome.dropped;
  if (lost + outcome.stored === 0 && exitCode !== Exit.limit) return new CliError(exitCode, message, hint);
  // The message already says that nothing after this line was sent, so that is not counted.
  if (exitCode === Exit.limit && lost === 0)
    return new CliError(exitCode, `${message}; sent ${outcome.stored}`, hint);
  const isPartly = exitCode === Exit.network && outcome.hasJoined && lost > 0;
  return new CliError(isPartly ? Exit.partial : exitCode, `${message}; ${outcomeText(outcome)}`, hint);
};

/** Adds a hint to the failure about the lines that the next run will send. */
export const withSpoolHint = (failure: CliError, spool: Spool | undefined): CliError =>
  spool === undefined || spool.lineCount === 0 || !spool.isSaved
    ? failure
    : new CliError(
        failure.exitCode,
        failure.message,
        `lines saved for the next run with --spool: ${spool.lineCount}`,
      );
