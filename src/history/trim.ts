import { decodeEntries, type RoomState } from './record.js';
import { type Goes, isEmpty, trimmed } from './retention.js';
import type { Store } from './store.js';

/**
 * Removes a room's oldest records while they go, at most so many; for within `write`. Gives the room as it is then,
 * which is not stored yet, and how many went.
 */
export const trim = (
  store: Store,
  room: string,
  state: RoomState,
  goes: Goes,
  most: number,
): { readonly state: RoomState; readonly removed: number } => {
  let left = state;
  let removed = 0;
  while (removed < most && !isEmpty(left) && goes(left, false)) {
    const [position, following] = store.positions(room, 0, 2);
    if (!goes(left, following === undefined)) break;
    if (position !== undefined) store.removeRecord(room, position);
    left = trimmed(left, following === undefined ? undefined : oldestOf(store, room, following, left));
    removed += 1;
  }
  return { state: left, removed };
};

const oldestOf = (store: Store, room: string, position: number, { start, oldest }: RoomState) => {
  const record = store.record(room, position);
  const entries = record && decodeEntries(record.key, record.value);
  // Of a damaged record neither is known; it stays or goes as the one before it.
  return { position, offset: entries?.offset ?? start, time: entries?.time ?? oldest };
};
