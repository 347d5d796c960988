import type { MonoTypeOperatorFunction } from 'rxjs';
import { stateMachine } from '../../../../streams/rx/stateMachine.js';

/** An entry of the log of a relay. Entries with the same message are of one kind. */
export interface LogEntry {
  readonly level: 'error' | 'warn' | 'info' | 'debug' | 'trace';
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

const INTERVAL_MS = 60_000;

/** Number of entries of a kind that are logged at once; other kinds have `DEFAULT_BURST`. */
const BURSTS: Readonly<Record<string, number>> = { rejected: 50, refused: 50, joined: 5000, left: 5000 };
const DEFAULT_BURST = 10;

/** The entries of one kind in the current minute. */
interface Interval {
  remaining: number;
  /** Number of entries that were left out, and the newest of them. */
  omittedCount: number;
  newest: LogEntry | undefined;
}

/** The end of the minute of a kind, or of all kinds. */
interface End {
  readonly ends: string | undefined;
}

/**
 * Passes a burst of each kind, then at most one entry per minute of that kind. Anyone who can connect can cause entries, and
 * must not fill the disk.
 *
 * The entry of a minute is the newest one. Its field `unmentioned` is the number of the others that were left out. A minute
 * without entries allows a burst again. Entries of the levels `debug` and `trace` are not limited. Completes with its
 * source, after the entries that are due; errors with it.
 *
 * ```text
 * entry   a-b-c-d---------------e----    a burst of 2
 *           limitLogEntries()
 * out     a-b-------------------(d)-- 60 s --e
 * ```
 */
export const limitLogEntries = (): MonoTypeOperatorFunction<LogEntry> =>
  stateMachine<LogEntry, LogEntry, End>(
    (schedule) => {
      const intervals = new Map<string, Interval>();

      const start = (kind: string, remaining: number): Interval => {
        const interval = { remaining, omittedCount: 0, newest: undefined };
        intervals.set(kind, interval);
        schedule({ ends: kind }, INTERVAL_MS);
        return interval;
      };
      const end = (kind: string, { newest, omittedCount }: Interval): LogEntry[] => {
        intervals.delete(kind);
        if (newest === undefined) return [];
        start(kind, 0);
        const unmentioned = omittedCount - 1;
        return [unmentioned === 0 ? newest : { ...newest, fields: { ...newest.fields, unmentioned } }];
      };

      return (input) => {
        if ('ends' in input)
          return [...intervals].flatMap(([kind, interval]) =>
            input.ends === undefined || input.ends === kind ? end(kind, interval) : [],
          );
        if (input.level === 'debug' || input.level === 'trace') return [input];
        const kind = input.message;
        const interval = intervals.get(kind) ?? start(kind, BURSTS[kind] ?? DEFAULT_BURST);
        if (interval.remaining > 0) {
          interval.remaining -= 1;
          return [input];
        }
        interval.omittedCount += 1;
        interval.newest = input;
        return [];
      };
    },
    { ends: undefined },
  );
