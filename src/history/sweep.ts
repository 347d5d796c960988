import { HistoryError } from './errors.js';
import { bytesOf, isEmpty, type Retention } from './retention.js';
import type { Store } from './store.js';
import { trim } from './trim.js';

export interface SweepOptions {
  readonly store: Store;
  readonly keep: Retention;
  /** The time in ms since 1970. */
  readonly now: () => number;
  /** Told whenever entries of rooms went. */
  readonly onTrimmed: () => void;
}

/** As many rooms are looked at before others have their turn. */
const ROOMS_A_TURN = 500;

/** As many records are removed then. Each may be on a page of its own, all of which have to fit into what `Space` keeps. */
const RECORDS_A_TURN = 100;

interface Old {
  readonly room: string;
  readonly oldest: number;
}

/**
 * Removes what is too old or too much over all rooms, the oldest records first. Each step is short; between steps
 * batches may be stored. Throws `HistoryError` where the store refuses; what went by then is gone, and the next sweep
 * goes on there.
 */
export function* sweep({ store, keep, now, onTrimmed }: SweepOptions): Generator<void, void> {
  const { age = Infinity, total: most = Infinity } = keep;
  const before = now() - age;
  /** The rooms that something may go of, the oldest last. */
  const old: Old[] = [];
  let total = 0;
  let after: string | undefined;
  for (;;) {
    const page = store.rooms(after, ROOMS_A_TURN);
    for (const { room, state } of page) {
      if (state === undefined || isEmpty(state)) continue;
      total += bytesOf(state);
      if (state.oldest < before || most !== Infinity) old.push({ room, oldest: state.oldest });
    }
    after = page.at(-1)?.room;
    if (page.length < ROOMS_A_TURN) break;
    yield;
  }
  old.sort((a, b) => b.oldest - a.oldest);

  const isOver = (oldest: number) => oldest < before || total > most;
  const takeOver = () => (isOver(old.at(-1)?.oldest ?? Infinity) ? old.pop() : undefined);

  /** Removes of a room what is older than all else, or too old. */
  const trimRoom = (room: string, left: number): number => {
    const state = store.room(room);
    if (state === undefined) return 1;
    const others = old.at(-1)?.oldest ?? Infinity;
    const isOldest = (oldest: number, start: number) =>
      oldest <= others && total - (start - state.start) > most;
    const cut = trim(
      store,
      room,
      state,
      (each) => each.oldest < before || isOldest(each.oldest, each.start),
      left,
    );
    total -= cut.state.start - state.start;
    if (cut.removed > 0) store.putRoom(room, cut.state);
    if (!isEmpty(cut.state)) insert(old, { room, oldest: cut.state.oldest });
    return Math.max(1, cut.removed);
  };

  let isTrimmed = false;
  while (old.length > 0 && isOver(old.at(-1)?.oldest ?? Infinity)) {
    yield;
    store.write(() => {
      let left = RECORDS_A_TURN;
      for (let next = takeOver(); next !== undefined; next = left > 0 ? takeOver() : undefined)
        left -= trimRoom(next.room, left);
    });
    onTrimmed();
    isTrimmed = true;
  }
  // A full disk would otherwise stay full, since no batch could be stored that makes use of this possible.
  if (isTrimmed) store.reuse();
}

/** Keeps the oldest last. */
const insert = (old: Old[], each: Old): void => {
  let low = 0;
  let high = old.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((old[middle]?.oldest ?? 0) > each.oldest) low = middle + 1;
    else high = middle;
  }
  old.splice(low, 0, each);
};

/**
 * Sweeps now and every so many ms, a step a turn of the event loop, and keeps no process alive; what it gives stops it.
 * A store that refuses (a full disk) is no error: it is tried again the next time.
 */
export const sweeping = (every: number, steps: () => Iterator<void>): (() => void) => {
  let running: Iterator<void> | undefined;
  let turn: NodeJS.Immediate | undefined;

  const step = () => {
    turn = undefined;
    try {
      if (running?.next().done !== false) {
        running = undefined;
        return;
      }
    } catch (error) {
      running = undefined;
      if (error instanceof HistoryError) return;
      throw error;
    }
    turn = setImmediate(step);
    turn.unref();
  };

  const begin = () => {
    if (running !== undefined) return;
    running = steps();
    turn = setImmediate(step);
    turn.unref();
  };

  begin();
  const timer = setInterval(begin, every);
  timer.unref();
  return () => {
    clearInterval(timer);
    clearImmediate(turn);
    running = undefined;
  };
};
