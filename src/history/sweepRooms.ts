import type { RoomState } from './record.js';
import { bytesOf, isEmpty } from './retention.js';
import type { RoomSize } from './share.js';
import type { Pause, SweepOptions } from './sweep.js';
import { tally } from './tally.js';
import { trim } from './trim.js';

/** How long, in ms, a room without entries is known: for a week its members come back to the same log. */
export const EMPTY_FOR: number = 7 * 86_400_000;

/** As many rooms are looked at before others have their turn. */
const ROOMS_A_TURN = 500;

/** As many rooms are looked at between two ticks, which takes some tenths of a second. */
const ROOMS_A_TICK = 20_000;

/** As many records are removed in a turn. Each may be on a page of its own, all of which have to fit into what `Space` keeps. */
export const RECORDS_A_TURN: number = 100;

/** What all rooms have together, once what is too old is gone. */
export interface Seen {
  readonly rooms: number;
  readonly bytes: number;
  /** The newest of the times that the rooms' oldest entries have. */
  readonly newest: number;
}

/**
 * Looks at all rooms, in the order of their keys, and removes what is too old: entries, and rooms that were empty for long.
 * `onRoom` is called with each room that has entries left.
 */
export function* lookAtRooms(
  { store, keep, now, time, onTrimmed, onEvent, isFull }: SweepOptions,
  onRoom: (size: RoomSize) => void,
): Generator<Pause, Seen> {
  const before = (time() ?? -Infinity) - (keep.age ?? Infinity);
  const removed = tally('age', onEvent);
  let [rooms, bytes, newest, forgotten] = [0, 0, 0, 0];
  /** The room that was cleared last, of which more may have to go. */
  let last = '';

  const isDue = (state: RoomState): boolean => {
    if (!isEmpty(state)) return state.oldest < before;
    const since = now() - state.oldest;
    // A time ahead of the clock is none to count from, nor is that of an older store.
    return state.oldest === 0 || since < 0 || since >= EMPTY_FOR || isFull();
  };

  const count = (room: string, state: RoomState) => {
    rooms += 1;
    if (isEmpty(state)) return;
    newest = Math.max(newest, state.oldest);
    bytes += bytesOf(state);
    onRoom({ room, bytes: bytesOf(state) });
  };

  /** Removes what is due of a room, at most so many records; for within `write`. */
  const clear = (room: string, most: number): Cleared => {
    const state = store.room(room);
    if (state === undefined) return { cost: 1 };
    if (!isEmpty(state)) {
      const cut = trim(store, room, state, ({ oldest }) => oldest < before, most);
      const left = isEmpty(cut.state) ? { ...cut.state, oldest: now() } : cut.state;
      if (cut.removed > 0) store.putRoom(room, left);
      return { cost: Math.max(1, cut.removed), was: state, left };
    }
    const isKnownSince = state.oldest !== 0 && state.oldest <= now();
    if (isKnownSince && store.positions(room, 0, 1).length === 0) {
      store.removeRoom(room);
      return { cost: 1, was: state };
    }
    const left = { ...state, oldest: now() };
    store.putRoom(room, left);
    return { cost: 1, was: state, left };
  };

  /** Clears as many rooms as a transaction may. */
  const clearSome = (due: string[]) => {
    const done: (Cleared & { readonly room: string })[] = [];
    store.write(() => {
      for (let left = RECORDS_A_TURN, at = due.length - 1; left > 0 && at >= 0; at -= 1) {
        const room = due[at] ?? '';
        const cleared = clear(room, left);
        left -= cleared.cost;
        done.push({ ...cleared, room });
      }
    });
    for (const { room, was, left } of done) {
      if (was !== undefined && left !== undefined) removed.add(was, left, room === last);
      last = room;
      if (was !== undefined && left === undefined) forgotten += 1;
      // Of which more has to go has its next turn.
      if (left !== undefined && !isEmpty(left) && left.oldest < before) continue;
      due.pop();
      if (left !== undefined) count(room, left);
    }
    onTrimmed();
  };

  try {
    let after: string | undefined;
    for (let seen = 0; ;) {
      const page = store.rooms(after, ROOMS_A_TURN);
      const due: string[] = [];
      for (const { room, state } of page) {
        if (state === undefined) rooms += 1;
        else if (isDue(state)) due.push(room);
        else count(room, state);
      }
      while (due.length > 0) {
        yield 'turn';
        clearSome(due);
      }
      after = page.at(-1)?.room;
      seen += page.length;
      if (page.length < ROOMS_A_TURN) return { rooms, bytes, newest };
      yield seen % ROOMS_A_TICK === 0 ? 'tick' : 'turn';
    }
  } finally {
    removed.report();
    if (forgotten > 0) onEvent({ type: 'forgotten', rooms: forgotten });
  }
}

/** What became of a room: no state left if it was forgotten, none at all if it was not there. */
interface Cleared {
  /** How many records went, or what took as much. */
  readonly cost: number;
  readonly was?: RoomState;
  readonly left?: RoomState;
}
