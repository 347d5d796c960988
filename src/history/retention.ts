import type { RoomState } from './record.js';

/** How much of the past is kept; all of it if nothing is said. A room loses its oldest entries first. */
export interface Retention {
  /** How old entries of any room may be, in ms. A clock that jumps ahead makes none of them older. */
  readonly age?: number;
  /** How many entries a room may have. Its newest record stays. */
  readonly entries?: number;
  /** How many bytes of entries a room may have. Its newest record stays. */
  readonly bytes?: number;
  /**
   * How many bytes all rooms may have together, each with 1 KiB besides its entries. The largest rooms lose entries
   * first, down to one size; a room below that size loses none, and that size is never below an equal share. A new room
   * is refused (`full`) if the share would be less than 16 KiB with it, except among the first 64.
   */
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

/** The state of a room whose oldest record is another now, or missing. */
export const trimmed = (
  state: RoomState,
  oldest: { readonly position: number; readonly offset: number; readonly time: number } | undefined,
): RoomState =>
  oldest === undefined
    ? { ...state, first: state.next, start: state.end, oldest: 0 }
    : { ...state, first: oldest.position, start: oldest.offset, oldest: oldest.time };
