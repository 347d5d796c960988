import { Observable } from 'rxjs';
import type { History } from '../../streams/relay/history.js';
import { find, prepare } from './directory.js';
import { HistoryError, historyError } from './errors.js';
import { type ClockAhead, type ClockBelieved, clockKeeper } from './clockKeeper.js';
import { failed, type Failing, failing, isHopeless } from './failing.js';
import { groupCommit } from './groupCommit.js';
import { exclusive } from './lock.js';
import { exceeding, type Retention } from './retention.js';
import { openStore } from './openStore.js';
import { storedLog } from './storedLog.js';
import { roomCount } from './roomCount.js';
import { mostRooms } from './share.js';
import { type Forgotten, type Removed, sweep } from './sweep.js';
import { sweeping } from './sweeping.js';

export interface LmdbHistoryOptions {
  /** The directory of the store, which is made where there is none. Nothing else should be in it. */
  readonly dir: string;
  /** `os`: a batch is stored once the system has it. `disk`, where nothing is said: once the disk has. */
  readonly durability?: 'os' | 'disk';
  /** How much of the past is kept. All of it, where nothing is said. */
  readonly keep?: Retention;
  /** The time in ms since 1970. */
  readonly now?: () => number;
  /** How many ms between looks for what is too old or too much over all rooms. A minute. */
  readonly sweep?: number;
  /** How much of the address space to map, in bytes; it grows by itself where nothing is said. */
  readonly mapSize?: number;
  /** Told, once for each, of positions of a room that were found damaged when they were read. */
  readonly onDamage?: (room: string, from: number, to: number) => void;
  /** Called with what retention removes, and when it does not believe the clock. */
  readonly onEvent?: (event: HistoryEvent) => void;
  /** A time in ms by a clock that nobody sets. */
  readonly monotonic?: () => number;
  /**
   * Whether `now` is right when the history is opened, however far ahead it is of the time that was last noted. Without
   * it nothing goes early after a clock that jumped ahead.
   */
  readonly trustClock?: boolean;
}

/** What retention does by itself. */
export type HistoryEvent = Removed | Forgotten | ClockAhead | ClockBelieved;

const EVERY_MINUTE = 60_000;

/**
 * The rooms' history on the disk, in lmdb: emits it once, and keeps it until it is unsubscribed, which stores what was
 * handed over, closes the store and lets go of the directory. Errors with `HistoryError` if it cannot be opened: `in-use`,
 * `damaged`, `newer-version`, `unwritable`, `unreadable`; later with `failed` once it can store nothing any more, and then
 * the history is closed.
 *
 * What rooms hand over in one turn of the event loop is stored in one transaction at the beginning of the next: all of
 * them wait for the disk once, and the event loop with them.
 *
 * Opening looks only at what is cheap to look at; `checkHistory` reads everything. Records are checked as they are
 * read, and a damaged one is a gap.
 */
export const lmdbHistory = (options: LmdbHistoryOptions): Observable<History> =>
  new Observable((subscriber) => {
    let close: (() => void) | undefined;
    // Before the lock is subscribed: what was subscribed first is unsubscribed first, and the lock has to go last.
    subscriber.add(() => close?.());
    try {
      const dir = prepare(options.dir);
      const lock = exclusive(dir).subscribe({
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

const openHistory = (
  dir: string,
  {
    durability = 'disk',
    keep = {},
    now = Date.now,
    sweep: every = EVERY_MINUTE,
    mapSize,
    onDamage = () => undefined,
    onEvent = () => undefined,
    monotonic = () => performance.now(),
    trustClock = false,
  }: LmdbHistoryOptions,
  onFailed: (error: unknown) => void,
): { readonly history: History; readonly close: () => void } => {
  const store = openStore(dir, find(dir), { durability, mapSize });
  const count = roomCount(keep.total === undefined ? Infinity : mostRooms(keep.total));
  let isOpen = true;

  let fails: Failing | undefined;
  /** What the first of the transactions failed on that failed in a row; what follows may be a consequence. */
  let reason: unknown;
  /** After a transaction: gives the store up if it can store nothing any more. */
  const onCommit = (error: unknown) => {
    const at = monotonic();
    fails = failing(fails, error, at);
    reason = error === undefined ? undefined : (reason ?? error);
    const cause = reason;
    if (!isHopeless(fails, at) && (error === undefined || store.isUsable())) return;
    // Whoever waits for this transaction is told first.
    setImmediate(() => {
      if (isOpen) onFailed(failed(dir, cause));
    });
  };

  const commits = groupCommit({ store, goes: exceeding(keep), now, count, onCommit });
  const { age } = keep;
  const clock =
    age === undefined
      ? undefined
      : clockKeeper({ store, age, now, monotonic, isTrusted: trustClock, onEvent });
  /** How often entries went by a sweep; an open log looks again where it changed. */
  let sweeps = 0;
  const onTrimmed = () => {
    sweeps += 1;
  };
  const steps = () =>
    sweep({
      store,
      keep,
      now,
      time: () => clock?.time(),
      onTrimmed,
      onEvent,
      onCounted: (rooms, newest) => {
        count.counted(rooms);
        clock?.learn(newest);
      },
      isFull: () => count.isFull,
    });
  const onSweepError = (error: unknown) => {
    if (error instanceof HistoryError) onCommit(error);
    else if (isOpen) onFailed(error);
  };
  const isSwept = age !== undefined || keep.total !== undefined;
  const stop = isSwept ? sweeping(every, steps, onSweepError) : () => undefined;

  return {
    history: {
      durability,
      has: (room) => {
        try {
          return store.room(room) !== undefined;
        } catch {
          // It is damaged, and so it is there.
          return true;
        }
      },
      open: (room, newId) => {
        if (!isOpen) throw new HistoryError('closed', `the history in ${dir} is closed`);
        // What a log before this one handed over is still to be stored; the new one begins after it.
        commits.settle(room);
        return storedLog({
          store,
          room,
          newId,
          commits,
          onDamage,
          refuseNew: () => {
            count.refuseNew(dir);
          },
          sweeps: () => sweeps,
          isOpen: () => isOpen,
        });
      },
    },
    close: () => {
      stop();
      commits.close();
      try {
        clock?.save();
      } catch {
        // What is not noted is taken for time that the relay was not running.
      }
      isOpen = false;
      store.close();
    },
  };
};
