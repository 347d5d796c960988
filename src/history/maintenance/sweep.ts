import type { RoomState } from '../layout/records.js';
import {
  isEmpty,
  sizeInBytes,
  trimToSize,
  entryBudget,
  largestRooms,
  type RoomSize,
  trimTarget,
} from './retention.js';
import {
  MAX_RECORDS_PER_STEP,
  type Pause,
  removalCounter,
  type SweepOptions,
  sweepRooms,
} from './sweepRooms.js';

/** Maximum number of records that are split, and stored again, per step. */
const MAX_SPLITS_PER_STEP = 4;

/** Bytes that a record which is stored again may need. */
const SPLIT_BYTES = 80_000;

/** Trims rooms that exceed a size, and returns the removed bytes. Removes whole records first. */
export function* trimLargest(
  { store, now, onTrimmed, onEvent }: SweepOptions,
  sizes: readonly RoomSize[],
  target: number,
): Generator<Pause, number> {
  const removed = removalCounter('total', onEvent);
  const trimmedRooms = new Set<string>();
  const rooms = sizes.filter(({ bytes }) => bytes > target).map(({ room }) => room);

  function* pass(canSplit: boolean): Generator<Pause, void> {
    const remaining = [...rooms];
    while (remaining.length > 0) {
      yield 'turn';
      const trimmed: { readonly room: string; readonly was: RoomState; readonly state: RoomState }[] = [];
      let finished = 0;
      store.write(
        () => {
          let budget = canSplit ? MAX_SPLITS_PER_STEP : MAX_RECORDS_PER_STEP;
          for (let at = remaining.length - 1; budget > 0 && at >= 0; at -= 1) {
            const room = remaining[at] ?? '';
            const before = store.room(room);
            const result =
              before && trimToSize(store, room, before, { limit: target, most: budget, canSplit });
            if (before !== undefined && result !== undefined && result.removed > 0) {
              const state = isEmpty(result.state) ? { ...result.state, oldest: now() } : result.state;
              store.putRoom(room, state);
              trimmed.push({ room, was: before, state });
            }
            budget -= Math.max(1, result?.removed ?? 0);
            if (budget > 0 || result === undefined || sizeInBytes(result.state) <= target) finished += 1;
          }
        },
        canSplit ? MAX_SPLITS_PER_STEP * SPLIT_BYTES : 0,
      );
      for (const { room, was: before, state } of trimmed) {
        removed.add(before, state, trimmedRooms.has(room));
        trimmedRooms.add(room);
      }
      remaining.splice(remaining.length - finished);
      if (trimmed.length > 0) onTrimmed();
    }
  }

  try {
    yield* pass(false);
    // Makes the freed pages available for the records that are stored again.
    if (removed.bytes > 0) store.reclaim();
    yield* pass(true);
    return removed.bytes;
  } finally {
    removed.report();
  }
}

/** Number of the largest rooms that are trimmed per pass. */
const LARGEST_ROOMS = 1000;

/**
 * Removes expired entries, then the excess over the total limit, and forgets rooms that were empty for long.
 *
 * It holds one page of rooms and the largest thousand. Each step is short, and batches may be stored between
 * steps. Throws `HistoryError` if the store fails; the next sweep continues from there.
 */
export function* sweep(options: SweepOptions): Generator<Pause, void> {
  const { store, retention, onAllRoomsVisited } = options;
  const { maxTotalBytes: maxTotal = Infinity } = retention;
  const before = store.lastTransaction();
  for (let isRepeated = true; isRepeated;) {
    const largest = largestRooms(LARGEST_ROOMS);
    const { rooms, bytes, newest } = yield* sweepRooms(options, largest.add);
    onAllRoomsVisited(rooms, newest, bytes);
    const allowed = entryBudget(maxTotal, rooms);
    const excess = bytes - allowed;
    if (excess <= 0) break;
    const { sizes, isLimited } = largest;
    // If the largest thousand are not enough, they are trimmed to an equal share and another pass follows.
    const removedBytes = yield* trimLargest(
      options,
      sizes,
      trimTarget(sizes, excess, Math.floor(allowed / rooms)),
    );
    isRepeated = removedBytes > 0 && removedBytes < excess && isLimited;
  }
  // Without it a full disk would stay full, since freed pages need one more transaction.
  if (store.lastTransaction() !== before) store.reclaim();
}

/** Time in ms per tick of a sweep that was requested. Batches are stored between two ticks. */
const URGENT_STEP_MS = 10;

/** Sweeps that run. */
export interface Sweeps {
  /** Starts a sweep, or hurries one that runs: it takes several steps per tick until it is done. */
  readonly request: () => void;
  readonly stop: () => void;
}

/**
 * Sweeps now, every `intervalMs` and on request, one step per tick of the event loop. It does not keep the process alive. A sweep that waits for the interval continues with the next one. `onError`
 * receives the error that ends a sweep; the next interval starts a new one.
 */
export const runSweeps = (
  intervalMs: number,
  startSweep: () => Iterator<Pause>,
  onError: (error: unknown) => void,
): Sweeps => {
  let running: Iterator<Pause> | undefined;
  let immediate: NodeJS.Immediate | undefined;
  let isUrgent = false;

  const step = () => {
    immediate = undefined;
    try {
      running ??= startSweep();
      let next = running.next();
      for (const began = performance.now(); isUrgent && next.done !== true;) {
        if (performance.now() - began > URGENT_STEP_MS) break;
        next = running.next();
      }
      if (next.done === true) {
        running = undefined;
        isUrgent = false;
      } else if (isUrgent || next.value === 'turn') scheduleStep();
    } catch (error) {
      running = undefined;
      onError(error);
    }
  };

  const scheduleStep = () => {
    immediate = setImmediate(step);
    immediate.unref();
  };

  const tick = () => {
    if (immediate === undefined) scheduleStep();
  };

  tick();
  const timer = setInterval(tick, intervalMs);
  timer.unref();
  return {
    request: () => {
      isUrgent = true;
      tick();
    },
    stop: () => {
      clearInterval(timer);
      clearImmediate(immediate);
      running = undefined;
    },
  };
};
