import { defer, Observable } from 'rxjs';
import type { History } from '../../streams/relay/log/history.js';
import { dataFile, inspectDirectory, initDirectory, writeVersionFile } from './layout/directory.js';
import {
  type FailureState,
  HistoryError,
  historyError,
  nextFailureState,
  shouldGiveUp,
  storeFailedError,
} from './layout/errors.js';
import { type ClockAhead, type ClockBelieved, persistentClock } from './maintenance/retentionClock.js';
import { transactionQueue } from './transactionQueue.js';
import { acquireLock } from './store/lock.js';
import {
  exceedsRoomLimits,
  type Retention,
  maxRoomsFor,
  ROOM_OVERHEAD_BYTES,
  roomLimit,
} from './maintenance/retention.js';
import { fileIdentity, recordFile } from './store/incarnation.js';
import { openStore } from './store/openStore.js';
import type { Store } from './store/store.js';
import { storedLog } from './storedLog.js';
import { removeRoom } from './maintenance/removeRoom.js';
import { runSweeps, sweep } from './maintenance/sweep.js';
import type { Forgotten, Removed } from './maintenance/sweepRooms.js';

export interface LmdbHistoryOptions {
  /** Directory of the store, created if missing. It should contain nothing else. */
  readonly dir: string;
  /** When a batch counts as stored: `os` once the system has it, `disk` once the disk has it. Default `disk`. */
  readonly durability?: 'os' | 'disk';
  /** How much history to keep. Default all. */
  readonly retention?: Retention;
  /** Current time in ms since 1970. */
  readonly now?: () => number;
  /** Interval in ms between sweeps for expired entries and for the total limit. Default one minute. */
  readonly sweepIntervalMs?: number;
  /** Size of the memory map in bytes. By default it grows as needed. */
  readonly mapSizeBytes?: number;
  /** Called once per range of damaged positions that a read finds. */
  readonly onDamage?: (room: string, from: number, to: number) => void;
  /** Called with what retention removes, and when it stops or starts to trust the clock. */
  readonly onEvent?: (event: HistoryEvent) => void;
  /** Called after each visit of all rooms with what they hold, as `maxTotalBytes` counts it. */
  readonly onUsage?: (usage: StoreUsage) => void;
  /** Monotonic time in ms. */
  readonly monotonicNow?: () => number;
  /**
   * Whether to trust `now` when the history is opened. By default a clock that jumped ahead expires nothing
   * early.
   */
  readonly trustClock?: boolean;
}

/** What a store holds. */
export interface StoreUsage {
  readonly rooms: number;
  /** Bytes of entries, and 1 KiB per room. */
  readonly bytes: number;
}

/** The store is a copy of another one: its logs continue under other ids. Emitted when it is opened for the first time. */
export interface StoreCopied {
  readonly type: 'copied';
}

/** Events of the store and of retention. */
export type HistoryEvent = StoreCopied | Removed | Forgotten | ClockAhead | ClockBelieved;

const DEFAULT_SWEEP_INTERVAL_MS = 60_000;

/** Part of `maxTotalBytes` after which a sweep does not wait for the interval. So a flood does not fill the disk. */
const EARLY_SWEEP_PART = 1 / 8;

/**
 * Opens the history of all rooms on disk, in lmdb. Emits it once and holds it while subscribed. Unsubscribing
 * stores what is pending, closes the store and releases the directory.
 *
 * Errors with `HistoryError` if it cannot be opened (`in-use`, `damaged`, `newer-version`, `unwritable`,
 * `unreadable`). Errors with `failed` and closes once it cannot store anything any more.
 *
 * All batches of a tick are stored in one transaction at the start of the next tick. The event loop waits for
 * the disk once.
 *
 * Opening checks only the header; `checkHistory` reads everything. Reads verify each record and report a
 * damaged one as a gap.
 */
export const lmdbHistory = (options: LmdbHistoryOptions): Observable<History> =>
  new Observable((subscriber) => {
    let close: (() => void) | undefined;
    // Added before the lock is subscribed: teardowns run in order, and the lock has to be released last.
    subscriber.add(() => close?.());
    try {
      const dir = initDirectory(options.dir);
      const lock = acquireLock(dir).subscribe({
        next: () => {
          try {
            const opened = openHistory(dir, options, (error) => subscriber.error(error));
            close = opened.close;
            subscriber.next(opened.history);
          } catch (error) {
            subscriber.error(historyError(error, dir, 'unreadable'));
          }
        },
        error: (error: unknown) => subscriber.error(error),
      });
      subscriber.add(lock);
    } catch (error) {
      subscriber.error(historyError(error, options.dir, 'unwritable'));
    }
  });

/** Returns the incarnation of an open store: the next one if it is a copy. Closes the store if it throws. */
const openIncarnation = (store: Store, onCopied: () => void): number => {
  try {
    const isCopy = recordFile(store, fileIdentity(dataFile(store.dir)));
    const { version, incarnation } = store.head();
    if (isCopy) {
      writeVersionFile(store.dir, version);
      onCopied();
    }
    return incarnation;
  } catch (error) {
    store.close();
    throw error;
  }
};

const openHistory = (
  dir: string,
  {
    durability = 'disk',
    retention = {},
    now = Date.now,
    sweepIntervalMs: every = DEFAULT_SWEEP_INTERVAL_MS,
    mapSizeBytes,
    onDamage = () => undefined,
    onEvent = () => undefined,
    onUsage = () => undefined,
    monotonicNow = () => performance.now(),
    trustClock = false,
  }: LmdbHistoryOptions,
  onFailed: (error: unknown) => void,
): { readonly history: History; readonly close: () => void } => {
  const store = openStore(dir, inspectDirectory(dir), { durability, mapSize: mapSizeBytes });
  const incarnation = openIncarnation(store, () => onEvent({ type: 'copied' }));
  const limit = roomLimit(
    retention.maxTotalBytes === undefined ? Infinity : maxRoomsFor(retention.maxTotalBytes),
  );
  let isOpen = true;

  /** Bytes that were stored since the last early sweep. */
  let unsweptBytes = 0;
  const earlySweepBytes = (retention.maxTotalBytes ?? Infinity) * EARLY_SWEEP_PART;

  let failureState: FailureState | undefined;
  /** Error of the first of the consecutive failed transactions; later ones may be consequences. */
  let firstError: unknown;
  /** Gives the store up after a transaction if it cannot store anything any more. */
  const onCommit = (error: unknown, storedBytes = 0) => {
    unsweptBytes += storedBytes;
    if (unsweptBytes >= earlySweepBytes) {
      unsweptBytes = 0;
      sweeps?.request();
    }
    const at = monotonicNow();
    failureState = nextFailureState(failureState, error, at);
    firstError = error === undefined ? undefined : (firstError ?? error);
    const cause = firstError;
    if (!shouldGiveUp(failureState, at) && (error === undefined || store.isUsable())) return;
    // The callbacks of this transaction run first.
    setImmediate(() => {
      if (isOpen) onFailed(storeFailedError(dir, cause));
    });
  };

  const transactions = transactionQueue({
    store,
    isExcess: exceedsRoomLimits(retention),
    now,
    limit,
    onCommit,
  });
  const { maxAgeMs } = retention;
  const clock =
    maxAgeMs === undefined
      ? undefined
      : persistentClock({ store, maxAgeMs, now, monotonicNow, isTrusted: trustClock, onEvent });
  /** Number of sweeps that removed entries. An open log reloads its state when it changes. */
  let sweepCount = 0;
  const onTrimmed = () => {
    sweepCount += 1;
  };
  const sweepSteps = () =>
    sweep({
      store,
      retention,
      now,
      retentionTime: () => clock?.time(),
      onTrimmed,
      onEvent,
      onAllRoomsVisited: (rooms, newest, bytes) => {
        limit.setCount(rooms);
        onUsage({ rooms, bytes: bytes + rooms * ROOM_OVERHEAD_BYTES });
        clock?.setNewestEntryTime(newest);
      },
      isFull: () => limit.isFull,
    });
  const onSweepError = (error: unknown) => {
    if (error instanceof HistoryError) onCommit(error);
    else if (isOpen) onFailed(error);
  };
  const needsSweep = maxAgeMs !== undefined || retention.maxTotalBytes !== undefined;
  const sweeps = needsSweep ? runSweeps(every, sweepSteps, onSweepError) : undefined;

  const closedError = () => new HistoryError('closed', `the history in ${dir} is closed`);
  return {
    history: {
      durability,
      has: (room) => {
        try {
          return store.room(room) !== undefined;
        } catch {
          // A damaged room exists.
          return true;
        }
      },
      remove: (room) =>
        defer(() => {
          if (!isOpen) throw closedError();
          return removeRoom({
            store,
            room,
            flush: () => {
              transactions.flushRoom(room);
            },
            onRemoved: () => {
              limit.decrement();
              onTrimmed();
            },
          });
        }),
      open: (room, newId) => {
        if (!isOpen) throw closedError();
        // An earlier log of this room may have a pending batch; the new log starts after it.
        transactions.flushRoom(room);
        return storedLog({
          store,
          room,
          newId,
          incarnation,
          transactions,
          onDamage,
          checkNewRoom: () => {
            limit.checkNewRoom(dir);
          },
          sweepCount: () => sweepCount,
          isOpen: () => isOpen,
        });
      },
    },
    close: () => {
      sweeps?.stop();
      transactions.close();
      try {
        clock?.save();
      } catch {
        // Time that is not stored counts as time without a running relay.
      }
      isOpen = false;
      store.close();
    },
  };
};
