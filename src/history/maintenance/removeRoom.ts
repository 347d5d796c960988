import { Observable } from 'rxjs';
import type { RemovedEntries } from '../../../streams/relay/log/history.js';
import type { RoomState } from '../layout/records.js';
import type { Store } from '../store/store.js';
import { isEmpty, sizeInBytes, trim } from './retention.js';
import { MAX_RECORDS_PER_STEP } from './sweepRooms.js';

export interface RemoveRoomOptions {
  readonly store: Store;
  readonly room: string;
  /** Stores the pending batch of the room, if there is one. */
  readonly flush: () => void;
  /** Called when the room is no longer stored. */
  readonly onRemoved: () => void;
}

/**
 * Removes a room from the store in short steps, one per tick of the event loop: its oldest entries first, so that the store
 * is consistent after each step. Emits what was removed, and completes.
 *
 * Errors with `HistoryError`; then the newer entries are left. Unsubscribing ends it, too. A room whose own record is damaged
 * is removed as well, but the sizes are unknown then.
 */
export const removeRoom = ({
  store,
  room,
  flush,
  onRemoved,
}: RemoveRoomOptions): Observable<RemovedEntries> =>
  new Observable((subscriber) => {
    let entries = 0;
    let bytes = 0;
    let immediate: NodeJS.Immediate | undefined;
    const finish = () => {
      subscriber.next({ entries, bytes });
      subscriber.complete();
    };
    const step = () => {
      try {
        const result = { isRemoved: false };
        store.write(() => {
          const before = readState(store, room);
          const after = before && trim(store, room, before, () => true, MAX_RECORDS_PER_STEP).state;
          if (before !== undefined && after !== undefined) {
            entries += after.first - before.first;
            bytes += sizeInBytes(before) - sizeInBytes(after);
          }
          result.isRemoved = after === undefined ? removeRecords(store, room) : isEmpty(after);
          if (result.isRemoved) store.removeRoom(room);
          else if (after !== undefined) store.putRoom(room, after);
        });
        if (!result.isRemoved) {
          immediate = setImmediate(step);
          return;
        }
        // Makes the freed pages available for other rooms.
        store.reclaim();
        onRemoved();
        finish();
      } catch (error) {
        subscriber.error(error);
      }
    };
    try {
      flush();
      if (readState(store, room) === undefined && store.positions(room, 0, 1).length === 0) finish();
      else step();
    } catch (error) {
      subscriber.error(error);
    }
    return () => {
      clearImmediate(immediate);
    };
  });

/** Removes records of a room without a state, and returns whether none is left. */
const removeRecords = (store: Store, room: string): boolean => {
  const positions = store.positions(room, 0, MAX_RECORDS_PER_STEP);
  for (const position of positions) store.removeRecord(room, position);
  return positions.length < MAX_RECORDS_PER_STEP;
};

const readState = (store: Store, room: string): RoomState | undefined => {
  try {
    return store.room(room);
  } catch (error) {
    if (!store.isUsable()) throw error;
    return undefined;
  }
};
