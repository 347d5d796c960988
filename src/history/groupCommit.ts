import type { Batch } from '../../streams/relay/history.js';
import { cut, type Piece } from './cut.js';
import { HistoryError } from './errors.js';
import { recordKey } from './keys.js';
import { encodeEntries, RECORD_HEADER, type RoomState, sizeOf } from './record.js';
import { type RoomCount, roomCount } from './roomCount.js';
import { type Goes, isEmpty } from './retention.js';
import type { Store } from './store.js';
import { trim } from './trim.js';

/** A batch on its way into the store. */
export interface Handover {
  readonly room: string;
  /** What the log knows of the room, which is what is stored, or what will be where nothing is. */
  readonly state: RoomState;
  readonly batch: Batch;
  /** Stored; the room as it is now. Told at once, so that what follows counts on it. */
  readonly stored: (state: RoomState) => void;
  /** Told later, never within `handOver`: `undefined` where it was stored. */
  readonly done: (error: unknown) => void;
}

export interface GroupCommit {
  /** Takes a batch; of a room one at a time. Throws `HistoryError` (`conflict`, `closed`). */
  handOver(handover: Handover): void;
  /** Stores at once what is handed over, if a room's is among it. Who waits is told later. */
  settle(room: string): void;
  /** Stores what is handed over, tells who waits, and takes no more. */
  close(): void;
}

/**
 * As much of lines fits with its header and lmdb's own into 16 pages of 4 KiB: values are kept in whole pages, and a
 * read takes whole records.
 */
const LARGEST_RECORD = 65_536 - 24 - RECORD_HEADER;

/**
 * As many records may go with a batch, which is more than come with one, so that a transaction stays short and its pages
 * few where much is to go: after `--keep-bytes` was lowered, say.
 */
const TRIMMED_A_BATCH = 200;

const PAGE = 4096;

/** How many bytes of lmdb's file a batch may take: its records in whole pages, and the pages on the way to them anew. */
const pagesFor = (pieces: readonly Piece[]): number =>
  pieces.reduce((sum, { slices }) => sum + sizeOf(slices) + 2 * PAGE, 4 * PAGE);

/** Stores together what was handed over in one turn of the event loop: one transaction, one wait for the disk. */
export const groupCommit = ({
  store,
  goes,
  now,
  count = roomCount(Infinity),
  onCommit = () => undefined,
}: {
  readonly store: Store;
  /** Decides whether a room's oldest record goes when a batch of that room is stored. */
  readonly goes: Goes;
  /** The time in ms since 1970. */
  readonly now: () => number;
  /** How many rooms there are, and may be. */
  readonly count?: RoomCount;
  /** Called after each transaction with `undefined`, or with what it failed on. */
  readonly onCommit?: (error: unknown) => void;
}): GroupCommit => {
  /** By room; with one of each room at a time it is no longer than there are rooms. */
  let waiting = new Map<string, Handover>();
  let settled: (() => void)[] = [];
  let turn: NodeJS.Immediate | undefined;
  let isClosed = false;

  const commit = () => {
    const batches = [...waiting.values()];
    waiting = new Map();
    const tellLater = ({ done }: Handover, error: unknown) => {
      settled.push(() => {
        done(error);
      });
    };
    const checked = batches.flatMap((handover) => {
      try {
        return [{ handover, ...check(store, handover, count) }];
      } catch (error) {
        tellLater(handover, error);
        if (error instanceof HistoryError && error.code === 'unreadable') onCommit(error);
        return [];
      }
    });
    if (checked.length === 0) return;
    const states: RoomState[] = [];
    try {
      const time = now();
      const bytes = checked.reduce((sum, { pieces }) => sum + pagesFor(pieces), 0);
      store.write(() => {
        for (const { handover, pieces, known } of checked)
          states.push(putBatch(store, handover.room, known, pieces, goes, time));
      }, bytes);
    } catch (error) {
      for (const { handover } of checked) tellLater(handover, error);
      onCommit(error);
      return;
    }
    for (const { isNew } of checked) if (isNew) count.added();
    onCommit(undefined);
    // Only now is it stored, and only now may anything count on it.
    checked.forEach(({ handover, known }, at) => {
      handover.stored(states[at] ?? known);
      tellLater(handover, undefined);
    });
  };

  const tell = () => {
    const all = settled;
    settled = [];
    for (const each of all) each();
  };

  const endOfTurn = () => {
    turn = undefined;
    commit();
    tell();
  };

  return {
    handOver: (handover) => {
      const { room, state, batch } = handover;
      if (isClosed) throw new HistoryError('closed', `the history in ${store.dir} is closed`);
      if (waiting.has(room) || batch.first !== state.next) throw conflict(store, batch);
      waiting.set(room, handover);
      turn ??= setImmediate(endOfTurn);
    },
    settle: (room) => {
      if (waiting.has(room)) commit();
    },
    close: () => {
      clearImmediate(turn);
      isClosed = true;
      commit();
      tell();
    },
  };
};

/** Looks whether a batch is one and belongs where it says; gives it in pieces. Throws `HistoryError`. */
const check = (
  store: Store,
  { room, state, batch }: Handover,
  count: RoomCount,
): { readonly pieces: readonly Piece[]; readonly known: RoomState; readonly isNew: boolean } => {
  const pieces = cut(batch.slices, LARGEST_RECORD);
  if (pieces?.reduce((sum, { count }) => sum + count, 0) !== batch.count)
    throw new HistoryError('conflict', 'a batch has other lines than it says');
  const known = store.room(room);
  const isNew = known === undefined;
  // A room that was forgotten while its log is in use goes on where it was.
  if (isNew ? !isEmpty(state) : known.id !== state.id || known.next !== state.next)
    throw conflict(store, batch);
  if (isNew) count.refuseNew(store.dir);
  return { pieces, known: known ?? state, isNew };
};

/** Puts a batch, and removes what is too much of the room then; gives the room as it is with that. */
const putBatch = (
  store: Store,
  room: string,
  known: RoomState,
  pieces: readonly Piece[],
  goes: Goes,
  time: number,
): RoomState => {
  if (pieces.length === 0) return known;
  let state = isEmpty(known) ? { ...known, oldest: time } : known;
  for (const { slices, count } of pieces) {
    const key = recordKey(room, state.next);
    store.put(key, encodeEntries(key, { count, time, offset: state.end }, slices));
    state = { ...state, next: state.next + count, end: state.end + sizeOf(slices) };
  }
  const left = trim(store, room, state, goes, TRIMMED_A_BATCH).state;
  store.putRoom(room, left);
  return left;
};

const conflict = (store: Store, { first }: Batch): HistoryError =>
  new HistoryError(
    'conflict',
    `a batch for position ${first} does not follow what is stored in ${store.dir}; is the room used twice?`,
  );
