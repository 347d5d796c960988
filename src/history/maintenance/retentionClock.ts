import type { RetentionClock } from '../layout/records.js';
import type { Store } from '../store/store.js';

const DAY_MS = 86_400_000;

/** Returns the step ahead in ms that is accepted: a pause, a restart, a correction. */
export const maxStepMs = (maxAgeMs: number): number => Math.min(DAY_MS, maxAgeMs / 8);

/** Returns by how many ms the system clock is ahead of this one. */
export const leadMs = ({ time, machine }: RetentionClock): number => machine - time;

/** Creates a clock that trusts the system time. */
export const trustedClock = (machine: number): RetentionClock => ({ time: machine, machine, evenMs: 0 });

/** Creates the clock of a store without one, from the newest known time of its entries. */
export const clockFromEntries = (newest: number, machine: number): RetentionClock =>
  newest < machine ? { time: newest, machine: newest, evenMs: 0 } : trustedClock(machine);

/**
 * Advances the clock. A step ahead beyond the tolerance counts only as `elapsedMs`. The system clock is trusted
 * again once it has run steadily for `maxAgeMs`: all entries from before the step have expired by then.
 *
 * @param elapsedMs the monotonic time that has passed; 0 across a restart, since it is unknown.
 */
export const advanceClock = (
  { time, machine: before, evenMs }: RetentionClock,
  machine: number,
  elapsedMs: number,
  maxAgeMs: number,
): RetentionClock => {
  const step = machine - before;
  if (step - elapsedMs > maxStepMs(maxAgeMs))
    return { time: Math.min(machine, time + elapsedMs), machine, evenMs: 0 };
  const steadyMs = evenMs + Math.max(0, step);
  const isBelieved = steadyMs >= maxAgeMs;
  return {
    time: isBelieved ? machine : Math.min(machine, time + Math.max(step, elapsedMs)),
    machine,
    evenMs: steadyMs,
  };
};

/**
 * Reported when the system clock is further ahead than the time that can have passed. Retention then uses the
 * elapsed time until the clock has run steadily for the maximum age.
 */
export interface ClockAhead {
  readonly type: 'clock-ahead';
  readonly aheadMs: number;
}

/** Reported when the system clock has run steadily for the maximum age. Retention uses it again. */
export interface ClockBelieved {
  readonly type: 'clock-believed';
}

export interface PersistentClockOptions {
  readonly store: Store;
  /** Maximum age of an entry in ms. */
  readonly maxAgeMs: number;
  /** System time in ms since 1970. */
  readonly now: () => number;
  /** Monotonic time in ms. */
  readonly monotonicNow: () => number;
  /** Whether to trust the system clock at the start, whatever was stored. */
  readonly isTrusted: boolean;
  readonly onEvent: (event: ClockAhead | ClockBelieved) => void;
}

export interface PersistentClock {
  /**
   * The time that entries are compared with, in ms. `undefined` until `setNewestEntryTime`, if the store has no
   * clock.
   */
  readonly time: () => number | undefined;
  /** Sets the newest known time of an entry in ms, 0 if the store has no entries. */
  setNewestEntryTime(newest: number): void;
  /** Stores the clock, if there is one. */
  save(): void;
}

/** Creates a retention clock that is stored, so that a wrong clock is also detected after a restart. */
export const persistentClock = ({
  store,
  maxAgeMs,
  now,
  monotonicNow,
  isTrusted,
  onEvent,
}: PersistentClockOptions): PersistentClock => {
  let clock: RetentionClock | undefined = isTrusted ? trustedClock(now()) : store.clock();
  let saved = isTrusted ? undefined : clock;
  /** Monotonic time of the last update; `undefined` if another process made it. */
  let lastTick: number | undefined = isTrusted ? monotonicNow() : undefined;
  let isAhead = false;

  const save = () => {
    const snapshot = clock;
    if (snapshot === undefined || snapshot === saved) return;
    store.write(() => {
      store.putClock(snapshot);
    });
    saved = snapshot;
  };

  const report = (now: RetentionClock) => {
    const aheadMs = leadMs(now);
    const wasAhead = isAhead;
    isAhead = aheadMs > maxStepMs(maxAgeMs);
    if (isAhead && !wasAhead) onEvent({ type: 'clock-ahead', aheadMs });
    if (!isAhead && wasAhead) onEvent({ type: 'clock-believed' });
  };

  /** Stores each jump at once, and steady progress now and then. */
  const shouldSave = (now: RetentionClock): boolean =>
    saved === undefined || now.evenMs < saved.evenMs || now.time - saved.time >= maxStepMs(maxAgeMs) / 8;

  const time = (): number | undefined => {
    if (clock === undefined) return undefined;
    const current = monotonicNow();
    clock = advanceClock(clock, now(), lastTick === undefined ? 0 : current - lastTick, maxAgeMs);
    lastTick = current;
    report(clock);
    if (shouldSave(clock)) save();
    return clock.time;
  };

  return {
    time,
    setNewestEntryTime: (newest) => {
      if (clock !== undefined) return;
      clock = newest === 0 ? trustedClock(now()) : clockFromEntries(newest, now());
      time();
    },
    save,
  };
};
