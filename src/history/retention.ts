import type { RoomState } from './record.js';

/** How much of the past is kept; nothing said, all of it. What goes, goes by whole records, the oldest first. */
export interface Retention {
  /** How old entries of any room may be, in ms. */
  readonly age?: number;
  /** How many entries a room may have. Its newest record stays. */
  readonly entries?: number;
  /** How many bytes of entries a room may have. Its newest record stays. */
  readonly bytes?: number;
  /** How many bytes of entries all rooms together may have. */
  readonly total?: number;
}

/** Decides whether a room's oldest record goes; `alone`: it is the only one. */
export type Goes = (state: RoomState, alone: boolean) => boolean;

/** What a room has more than it may have goes with each batch. */
export const exceeding =
  ({ entries = Infinity, bytes = Infinity }: Retention): Goes =>
  ({ first, next, start, end }, alone) =>
    !alone && (next - first > entries || end - start > bytes);

/** How many bytes of entries a room has. */
export const bytesOf = ({ start, end }: RoomState): number => end - start;

/** Whether a room has anything. */
export const isEmpty = ({ first, next }: RoomState): boolean => first >= next;

/** The state of a room whose oldest record now is another one, or none. */
export const trimmed = (
  state: RoomState,
  oldest: { readonly position: number; readonly offset: number; readonly time: number } | undefined,
): RoomState =>
  oldest === undefined
    ? { ...state, first: state.next, start: state.end, oldest: 0 }
    : { ...state, first: oldest.position, start: oldest.offset, oldest: oldest.time };
