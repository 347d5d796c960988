import {
  aheadOf,
  clockFromEntries,
  type RetentionClock,
  tickClock,
  toleratedStep,
  trustedClock,
} from './retentionClock.js';
import type { Store } from './store.js';

/**
 * The machine's clock is further ahead than time can have passed since entries were last looked at. Retention goes by
 * the time that has passed until that clock has run evenly for as long as entries are kept.
 */
export interface ClockAhead {
  readonly type: 'clock-ahead';
  readonly aheadMs: number;
}

/** The machine's clock has run evenly for as long as entries are kept; retention goes by it again. */
export interface ClockBelieved {
  readonly type: 'clock-believed';
}

export interface ClockKeeperOptions {
  readonly store: Store;
  /** How old entries may be, in ms. */
  readonly age: number;
  /** The machine's time in ms since 1970. */
  readonly now: () => number;
  /** A time in ms by a clock that nobody sets. */
  readonly monotonic: () => number;
  /** Whether to believe the machine at the beginning, whatever was stored. */
  readonly isTrusted: boolean;
  readonly onEvent: (event: ClockAhead | ClockBelieved) => void;
}

export interface ClockKeeper {
  /** The time by which entries are too old; `undefined` until `learn` was called, for a store that never noted it. */
  readonly time: () => number | undefined;
  /** Tells the newest time that is known of entries, 0 if there are none. */
  learn(newest: number): void;
  /** Stores the clock, if there is one. */
  save(): void;
}

/** The clock of retention, kept in the store so that a restart with a wrong clock is noticed too. */
export const clockKeeper = ({
  store,
  age,
  now,
  monotonic,
  isTrusted,
  onEvent,
}: ClockKeeperOptions): ClockKeeper => {
  let clock: RetentionClock | undefined = isTrusted ? trustedClock(now()) : store.clock();
  let saved = isTrusted ? undefined : clock;
  /** When the clock was last looked at; `undefined` if that was another process. */
  let at: number | undefined = isTrusted ? monotonic() : undefined;
  let isAhead = false;

  const save = () => {
    const put = clock;
    if (put === undefined || put === saved) return;
    store.write(() => {
      store.putClock(put);
    });
    saved = put;
  };

  const report = (now: RetentionClock) => {
    const aheadMs = aheadOf(now);
    const was = isAhead;
    isAhead = aheadMs > toleratedStep(age);
    if (isAhead && !was) onEvent({ type: 'clock-ahead', aheadMs });
    if (!isAhead && was) onEvent({ type: 'clock-believed' });
  };

  /** Each jump is stored at once, and what passes evenly now and then. */
  const isToBeSaved = (now: RetentionClock): boolean =>
    saved === undefined || now.evenMs < saved.evenMs || now.time - saved.time >= toleratedStep(age) / 8;

  const time = (): number | undefined => {
    if (clock === undefined) return undefined;
    const current = monotonic();
    clock = tickClock(clock, now(), at === undefined ? 0 : current - at, age);
    at = current;
    report(clock);
    if (isToBeSaved(clock)) save();
    return clock.time;
  };

  return {
    time,
    learn: (newest) => {
      if (clock !== undefined) return;
      clock = newest === 0 ? trustedClock(now()) : clockFromEntries(newest, now());
      time();
    },
    save,
  };
};
