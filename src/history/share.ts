/** What each room costs in `total`, in bytes, besides its entries: its keys and their part of pages. */
export const ROOM_COST = 1024;

/** The least that `total` divided by the number of rooms can be, in bytes. */
const LEAST_SHARE = 16_384;

/** As many rooms a store takes, however small its `total` is. */
const LEAST_ROOMS = 64;

/** The most rooms that a store with such a `total` takes; the next new room is refused. */
export const mostRooms = (total: number): number => Math.max(LEAST_ROOMS, Math.floor(total / LEAST_SHARE));

/** How much of a room is stored. */
export interface RoomSize {
  readonly room: string;
  readonly bytes: number;
}

/**
 * How many bytes of entries all rooms may have together. The rooms' own cost takes half of `total` at most, so that a
 * store that already has too many rooms keeps entries too.
 */
export const bytesFor = (total: number, rooms: number): number =>
  total === Infinity ? Infinity : total - Math.min(rooms * ROOM_COST, total / 2);

/**
 * The size to which the largest rooms are cut, so that they lose `excess` bytes together: rooms of that size or less lose
 * nothing. It is as large as possible, and never below `least`, even if less goes then.
 *
 * If the excess is over what `bytesFor` allows, and the sizes are those of all rooms, it is at least an equal share.
 *
 * @param sizes the largest first.
 */
export const levelFor = (sizes: readonly RoomSize[], excess: number, least: number): number => {
  let sum = 0;
  for (const [at, { bytes }] of sizes.entries()) {
    sum += bytes;
    const level = Math.floor((sum - excess) / (at + 1));
    if (level >= Math.max(least, sizes[at + 1]?.bytes ?? 0)) return level;
  }
  return least;
};

export interface LargestRooms {
  readonly add: (size: RoomSize) => void;
  /** The largest first. */
  readonly sizes: readonly RoomSize[];
  /** Whether rooms were left out. */
  readonly isLimited: boolean;
}

/** Keeps the largest of many rooms, at most so many. */
export const largestRooms = (most: number): LargestRooms => {
  let sizes: RoomSize[] = [];
  let isLimited = false;
  const cut = () => {
    sizes.sort((a, b) => b.bytes - a.bytes);
    isLimited ||= sizes.length > most;
    sizes = sizes.slice(0, most);
  };
  return {
    add: (size) => {
      sizes.push(size);
      if (sizes.length >= 2 * most) cut();
    },
    get sizes() {
      cut();
      return sizes;
    },
    get isLimited() {
      cut();
      return isLimited;
    },
  };
};
