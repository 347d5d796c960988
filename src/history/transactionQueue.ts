import type { Batch } from '../../streams/relay/log/history.js';
import { HistoryError } from './layout/errors.js';
import { recordKey } from './layout/keys.js';
import { encodeEntries, RECORD_HEADER, type RoomState, totalBytes } from './layout/records.js';
import {
  isEmpty,
  type RetentionPredicate,
  trim,
  type RoomLimit,
  roomLimit,
} from './maintenance/retention.js';
import { asOpened } from './store/incarnation.js';
import type { Store } from './store/store.js';

/** Whole lines that form one record. */
export interface RecordChunk {
  readonly slices: readonly Uint8Array[];
  readonly count: number;
}

const NEWLINE = 10;

/**
 * Splits a batch into chunks of at most `limit` bytes or one longer line, without copying. Returns `undefined`
 * if a slice does not end with a newline.
 */
export const splitBatch = (
  slices: readonly Uint8Array[],
  limit: number,
): readonly RecordChunk[] | undefined => {
  const chunks: RecordChunk[] = [];
  let chunkSlices: Uint8Array[] = [];
  let size = 0;
  let count = 0;

  const finishChunk = () => {
    if (count > 0) chunks.push({ slices: chunkSlices, count });
    chunkSlices = [];
    size = 0;
    count = 0;
  };

  for (const slice of slices) {
    if (slice.at(-1) !== NEWLINE) return undefined;
    /** Offsets in this slice of the current chunk and of the current line. */
    let chunkStart = 0;
    let lineStart = 0;
    while (lineStart < slice.length) {
      const lineEnd = slice.indexOf(NEWLINE, lineStart) + 1;
      if (count > 0 && size + lineEnd - lineStart > limit) {
        if (chunkStart < lineStart) chunkSlices.push(slice.subarray(chunkStart, lineStart));
        finishChunk();
        chunkStart = lineStart;
      }
      size += lineEnd - lineStart;
      count += 1;
      lineStart = lineEnd;
    }
    chunkSlices.push(slice.subarray(chunkStart));
  }
  finishChunk();
  return chunks;
};

/** A batch that waits for its transaction. */
export interface PendingBatch {
  readonly room: string;
  /** The state of the room as the log knows it. */
  readonly state: RoomState;
  readonly batch: Batch;
  /** Called with the new state of the room as soon as it is stored, before anything can depend on it. */
  readonly onStored: (state: RoomState) => void;
  /** Called later, never within `enqueue`, with the error or `undefined` if the batch was stored. */
  readonly onDone: (error: unknown) => void;
}

export interface TransactionQueue {
  /** Enqueues a batch, at most one per room. Throws `HistoryError` (`conflict`, `closed`). */
  enqueue(handover: PendingBatch): void;
  /** Stores everything that is enqueued if it includes a batch of this room. Callbacks run later. */
  flushRoom(room: string): void;
  /** Stores everything that is enqueued, runs the callbacks and accepts no more. */
  close(): void;
}

/**
 * Maximum bytes of lines in a record. With both headers it fills 16 pages of 4 KiB: values occupy whole pages,
 * and a read loads whole records.
 */
const MAX_RECORD_BYTES = 65_536 - 24 - RECORD_HEADER;

/**
 * Maximum number of records that are removed with a batch. It is more than a batch adds, and keeps transactions
 * short, for example after `--keep-bytes` was lowered.
 */
const MAX_TRIMMED_PER_BATCH = 200;

const PAGE_BYTES = 4096;

/**
 * Bytes of the lmdb file that a batch may need: its records in whole pages, and new copies of the pages above
 * them.
 */
const bytesNeeded = (chunks: readonly RecordChunk[]): number =>
  chunks.reduce((sum, { slices }) => sum + totalBytes(slices) + 2 * PAGE_BYTES, 4 * PAGE_BYTES);

/** Stores all batches of a tick in one transaction, with one wait for the disk. */
export const transactionQueue = ({
  store,
  isExcess,
  now,
  limit = roomLimit(Infinity),
  onCommit = () => undefined,
}: {
  readonly store: Store;
  /** Decides whether the oldest record of a room is removed when a batch of that room is stored. */
  readonly isExcess: RetentionPredicate;
  /** Current time in ms since 1970. */
  readonly now: () => number;
  /** The limit on the number of rooms. */
  readonly limit?: RoomLimit;
  /** Called after each transaction with its error, or with `undefined` and the bytes of its lines. */
  readonly onCommit?: (error: unknown, storedBytes?: number) => void;
}): TransactionQueue => {
  /** By room. At most one batch per room bounds it by the number of rooms. */
  let pending = new Map<string, PendingBatch>();
  let notifications: (() => void)[] = [];
  let immediate: NodeJS.Immediate | undefined;
  let isClosed = false;

  const commit = () => {
    const batches = [...pending.values()];
    pending = new Map();
    const queueNotification = ({ onDone }: PendingBatch, error: unknown) => {
      notifications.push(() => {
        onDone(error);
      });
    };
    const checked = batches.flatMap((pendingBatch) => {
      try {
        return [{ pendingBatch, ...checkBatch(store, pendingBatch, limit) }];
      } catch (error) {
        queueNotification(pendingBatch, error);
        if (error instanceof HistoryError && error.code === 'unreadable') onCommit(error);
        return [];
      }
    });
    if (checked.length === 0) return;
    const states: RoomState[] = [];
    try {
      const time = now();
      const bytes = checked.reduce((sum, { chunks }) => sum + bytesNeeded(chunks), 0);
      store.write(() => {
        for (const { pendingBatch, chunks, storedState } of checked)
          states.push(putBatch(store, pendingBatch.room, storedState, chunks, isExcess, time));
      }, bytes);
    } catch (error) {
      for (const { pendingBatch } of checked) queueNotification(pendingBatch, error);
      onCommit(error);
      return;
    }
    for (const { isNew } of checked) if (isNew) limit.increment();
    onCommit(
      undefined,
      checked.reduce((sum, { pendingBatch }) => sum + totalBytes(pendingBatch.batch.slices), 0),
    );
    // Nothing may depend on a batch before its transaction has succeeded.
    checked.forEach(({ pendingBatch, storedState }, index) => {
      pendingBatch.onStored(states[index] ?? storedState);
      queueNotification(pendingBatch, undefined);
    });
  };

  const notifyAll = () => {
    const all = notifications;
    notifications = [];
    for (const notify of all) notify();
  };

  const onTick = () => {
    immediate = undefined;
    commit();
    notifyAll();
  };

  return {
    enqueue: (pendingBatch) => {
      const { room, state, batch } = pendingBatch;
      if (isClosed) throw new HistoryError('closed', `the history in ${store.dir} is closed`);
      if (pending.has(room) || batch.first !== state.next) throw conflictError(store, batch);
      pending.set(room, pendingBatch);
      immediate ??= setImmediate(onTick);
    },
    flushRoom: (room) => {
      if (pending.has(room)) commit();
    },
    close: () => {
      clearImmediate(immediate);
      isClosed = true;
      commit();
      notifyAll();
    },
  };
};

/** Checks that a batch is valid and follows the stored state, and splits it. Throws `HistoryError`. */
const checkBatch = (
  store: Store,
  { room, state, batch }: PendingBatch,
  limit: RoomLimit,
): { readonly chunks: readonly RecordChunk[]; readonly storedState: RoomState; readonly isNew: boolean } => {
  const chunks = splitBatch(batch.slices, MAX_RECORD_BYTES);
  if (chunks?.reduce((sum, { count }) => sum + count, 0) !== batch.count)
    throw new HistoryError('conflict', 'a batch has a different number of lines than it declares');
  const stored = store.room(room);
  const isNew = stored === undefined;
  const known = isNew ? state : asOpened(stored, state);
  // A forgotten room whose log is still in use continues at its position.
  if (known?.next !== state.next || (isNew && !isEmpty(state))) throw conflictError(store, batch);
  if (isNew) limit.checkNewRoom(store.dir);
  return { chunks, storedState: known, isNew };
};

/** Stores a batch, removes the excess of the room and returns its new state. */
const putBatch = (
  store: Store,
  room: string,
  storedState: RoomState,
  chunks: readonly RecordChunk[],
  isExcess: RetentionPredicate,
  time: number,
): RoomState => {
  if (chunks.length === 0) return storedState;
  let state = isEmpty(storedState) ? { ...storedState, oldest: time } : storedState;
  for (const { slices, count } of chunks) {
    const key = recordKey(room, state.next);
    store.put(key, encodeEntries(key, { count, time, offset: state.end }, slices));
    state = { ...state, next: state.next + count, end: state.end + totalBytes(slices) };
  }
  const trimmedState = trim(store, room, state, isExcess, MAX_TRIMMED_PER_BATCH).state;
  store.putRoom(room, trimmedState);
  return trimmedState;
};

const conflictError = (store: Store, { first }: Batch): HistoryError =>
  new HistoryError(
    'conflict',
    `the batch for position ${first} does not follow the entries stored in ${store.dir}; the room may be in use twice`,
  );
