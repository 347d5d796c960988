import { Observable } from 'rxjs';
import type { Gap, StoredLog } from '../../streams/relay/history.js';
import type { Lines } from '../../streams/wire/lines.js';
import { dropLines } from './cut.js';
import type { GroupCommit } from './groupCommit.js';
import { decodeEntries, type RoomState, sizeOf } from './record.js';
import { trimmed } from './retention.js';
import type { Store } from './store.js';

export interface StoredLogOptions {
  readonly store: Store;
  readonly room: string;
  readonly newId: () => string;
  readonly commits: GroupCommit;
  readonly onDamage: (room: string, from: number, to: number) => void;
  /** Throws if the store takes no new room. */
  readonly refuseNew?: () => void;
  /** How often entries of rooms went other than with a batch of theirs. */
  readonly sweeps: () => number;
  readonly isOpen: () => boolean;
}

/** A read gives as many bytes, or one record or line where that is longer. */
const READ_BYTES = 65_536;

/**
 * One room's log in the store. It holds two numbers of it and no lines. Throws `HistoryError` where what is known of
 * the room cannot be read; once the store is closed, reads give nothing and appends error.
 */
export const storedLog = ({
  store,
  room,
  newId,
  commits,
  onDamage,
  refuseNew = () => undefined,
  sweeps,
  isOpen,
}: StoredLogOptions): StoredLog => {
  const newRoom = (): RoomState => {
    refuseNew();
    return { id: newId(), first: 1, start: 0, next: 1, end: 0, oldest: 0 };
  };
  let state: RoomState = store.room(room) ?? newRoom();
  let seen = sweeps();
  /** Where damage ends that was told of, so that readers one after another do not tell it again. */
  const told = new Set<number>();

  const current = (): RoomState => {
    if (seen === sweeps() || !isOpen()) return state;
    seen = sweeps();
    const known = knownOf(store, room);
    if (known === 'forgotten') state = trimmed(state, undefined);
    else if (known?.id === state.id) state = known;
    return state;
  };

  /** From a position that cannot be read to the next record, which may be none. */
  const damage = (from: number, next: number): Gap => {
    const [following = next] = store.positions(room, from + 1, 1);
    const to = Math.min(following, next) - 1;
    if (!told.has(to)) {
      told.add(to);
      onDamage(room, from, to);
    }
    return { from, to };
  };

  const readRecords = (position: number, next: number): Lines | Gap => {
    const from = store.positionBefore(room, position);
    const bodies: Uint8Array[] = [];
    let count = 0;
    let size = 0;
    let expected = from;
    for (const { key, position: at, value } of from === undefined ? [] : store.records(room, from)) {
      const entries = decodeEntries(key, value);
      if (entries === undefined || at !== expected || at >= next) break;
      expected = at + entries.count;
      if (expected <= position) break;
      const cutOff = Math.max(0, position - at);
      const body = dropLines(entries.body, cutOff);
      if (size > 0 && size + body.length > READ_BYTES) break;
      bodies.push(body);
      size += body.length;
      count += entries.count - cutOff;
    }
    const [only] = bodies;
    if (only === undefined) return damage(position, next);
    return { bytes: bodies.length === 1 ? only : Buffer.concat(bodies, sizeOf(bodies)), count };
  };

  return {
    id: state.id,
    get first() {
      return current().first;
    },
    get next() {
      return state.next;
    },
    read: (from) => {
      if (!isOpen()) return undefined;
      const { first, next } = current();
      const position = Math.max(1, from);
      if (position >= next) return undefined;
      if (position < first) return { from: position, to: first - 1 };
      try {
        return readRecords(position, next);
      } catch {
        // Nothing can be said of what is stored until the store is opened again.
        if (!store.isUsable()) return undefined;
        // lmdb's own pages are damaged here; where the next record begins cannot be asked either.
        onDamage(room, position, next - 1);
        return { from: position, to: next - 1 };
      }
    },
    append: (batch) =>
      new Observable((subscriber) => {
        try {
          commits.handOver({
            room,
            state: current(),
            batch,
            stored: (stored) => {
              state = stored;
            },
            done: (error) => {
              if (error === undefined) subscriber.complete();
              else subscriber.error(error);
            },
          });
        } catch (error) {
          subscriber.error(error);
        }
      }),
  };
};

const knownOf = (store: Store, room: string): RoomState | 'forgotten' | undefined => {
  try {
    return store.room(room) ?? 'forgotten';
  } catch {
    // It is damaged; what was known before is as good as it gets.
    return undefined;
  }
};
