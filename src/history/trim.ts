import { recordKey } from './keys.js';
import { decodeEntries, encodeEntries, type RoomState } from './record.js';
import { bytesOf, type Goes, isEmpty, trimmed } from './retention.js';
import type { Store } from './store.js';

const NEWLINE = 10;

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

/**
 * Removes a room's oldest entries until it has at most `limit` bytes; for within `write`. Whole records go, at most so many,
 * except the last to go, of which only as many lines are removed as needed: a room that is cut to a size keeps that size.
 * `canSplit` allows this, which stores up to a whole record again. Gives the room as it is then, which is not stored yet.
 */
export const cutTo = (
  store: Store,
  room: string,
  state: RoomState,
  { limit, most, canSplit }: { readonly limit: number; readonly most: number; readonly canSplit: boolean },
): { readonly state: RoomState; readonly removed: number } => {
  let left = state;
  let removed = 0;
  while (removed < most && !isEmpty(left) && bytesOf(left) > limit) {
    const [position, following] = store.positions(room, 0, 2);
    const without = trimmed(
      left,
      following === undefined ? undefined : oldestOf(store, room, following, left),
    );
    const part = bytesOf(without) < limit ? partOf(store, room, position, bytesOf(left) - limit) : undefined;
    if (part !== undefined && !canSplit) break;
    if (part !== undefined) store.put(part.key, part.value);
    if (position !== undefined) store.removeRecord(room, position);
    left = part === undefined ? without : { ...left, first: part.first, start: part.start };
    removed += 1;
  }
  return { state: left, removed };
};

/** A record without its first lines, which have at least so many bytes; `undefined` if none would be left. */
const partOf = (store: Store, room: string, position: number | undefined, bytes: number) => {
  const record = position === undefined ? undefined : store.record(room, position);
  const entries = record && decodeEntries(record.key, record.value);
  if (record === undefined || entries === undefined) return undefined;
  const { body, count, time, offset } = entries;
  let lines = 0;
  let size = 0;
  for (; size < bytes && lines < count; lines += 1) size = body.indexOf(NEWLINE, size) + 1;
  if (lines === count) return undefined;
  const first = record.position + lines;
  const key = recordKey(room, first);
  const start = offset + size;
  const value = encodeEntries(key, { count: count - lines, time, offset: start }, [body.subarray(size)]);
  return { key, value, first, start };
};

const oldestOf = (store: Store, room: string, position: number, { start, oldest }: RoomState) => {
  const record = store.record(room, position);
  const entries = record && decodeEntries(record.key, record.value);
  // Of a damaged record neither is known; it stays or goes as the one before it.
  return { position, offset: entries?.offset ?? start, time: entries?.time ?? oldest };
};
