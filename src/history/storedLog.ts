import { Observable } from 'rxjs';
import type { Gap, StoredLog } from '../../streams/relay/log/history.js';
import type { Lines } from '../../streams/wire/lines.js';
import type { TransactionQueue } from './transactionQueue.js';
import { decodeEntries, isLost, type RoomState, skipLines, totalBytes } from './layout/records.js';
import { withOldestRecord } from './maintenance/retention.js';
import { asOpened, continueRoom } from './store/incarnation.js';
import type { Store } from './store/store.js';

export interface StoredLogOptions {
  readonly store: Store;
  readonly room: string;
  readonly newId: () => string;
  /** The incarnation of the store (default 0). */
  readonly incarnation?: number;
  readonly transactions: TransactionQueue;
  readonly onDamage: (room: string, from: number, to: number) => void;
  /** Throws if the store accepts no new room. */
  readonly checkNewRoom?: () => void;
  /** Returns how often sweeps have removed entries. */
  readonly sweepCount: () => number;
  readonly isOpen: () => boolean;
}

/** Maximum bytes per read, or one longer record or line. */
const MAX_READ_BYTES = 65_536;

/**
 * Creates the log of one room in the store. It holds its state and no lines. Throws `HistoryError` if the state
 * of the room cannot be read. After the store is closed, reads return nothing and appends error.
 */
export const storedLog = ({
  store,
  room,
  newId,
  incarnation = 0,
  transactions,
  onDamage,
  checkNewRoom = () => undefined,
  sweepCount,
  isOpen,
}: StoredLogOptions): StoredLog => {
  const newRoom = (): RoomState => {
    checkNewRoom();
    return {
      ...{ id: newId(), first: 1, start: 0, next: 1, end: 0, oldest: 0 },
      ...(incarnation > 0 && { incarnation }),
    };
  };
  const known = store.room(room);
  let state = known === undefined ? newRoom() : continueRoom(known, incarnation, newId);
  let seenSweeps = sweepCount();
  /** Ends of damaged ranges that were reported, so that each is reported once. */
  const reportedDamage = new Set<number>();

  const currentState = (): RoomState => {
    if (seenSweeps === sweepCount() || !isOpen()) return state;
    seenSweeps = sweepCount();
    const stored = loadState(store, room);
    if (stored === 'forgotten') state = withOldestRecord(state, undefined);
    else if (stored !== undefined) state = asOpened(stored, state) ?? state;
    return state;
  };

  /** Reports the damage from a position to the next record, if there is one, and returns the gap. */
  const reportDamage = (from: number, next: number): Gap => {
    const [following = next] = store.positions(room, from + 1, 1);
    const to = Math.min(following, next) - 1;
    if (!reportedDamage.has(to)) {
      reportedDamage.add(to);
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
      if (isLost(entries)) {
        if (bodies.length > 0) break;
        return { from: position, to: expected - 1 };
      }
      const skippedLines = Math.max(0, position - at);
      const body = skipLines(entries.body, skippedLines);
      if (size > 0 && size + body.length > MAX_READ_BYTES) break;
      bodies.push(body);
      size += body.length;
      count += entries.count - skippedLines;
    }
    const [only] = bodies;
    if (only === undefined) return reportDamage(position, next);
    return { bytes: bodies.length === 1 ? only : Buffer.concat(bodies, totalBytes(bodies)), count };
  };

  return {
    id: state.id,
    ancestors: state.ancestors ?? [],
    get first() {
      return currentState().first;
    },
    get next() {
      return state.next;
    },
    read: (from) => {
      if (!isOpen()) return undefined;
      const { first, next } = currentState();
      const position = Math.max(1, from);
      if (position >= next) return undefined;
      if (position < first) return { from: position, to: first - 1 };
      try {
        return readRecords(position, next);
      } catch {
        // The content is unknown until the store is opened again.
        if (!store.isUsable()) return undefined;
        // Pages of lmdb are damaged here, so the next record cannot be found either.
        onDamage(room, position, next - 1);
        return { from: position, to: next - 1 };
      }
    },
    append: (batch) =>
      new Observable((subscriber) => {
        try {
          transactions.enqueue({
            room,
            state: currentState(),
            batch,
            onStored: (stored) => {
              state = stored;
            },
            onDone: (error) => {
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

const loadState = (store: Store, room: string): RoomState | 'forgotten' | undefined => {
  try {
    return store.room(room) ?? 'forgotten';
  } catch {
    // The room is damaged; the previous state is the best that is known.
    return undefined;
  }
};
