import { HistoryError } from './errors.js';

/** How many rooms a store has, and how many it takes. */
export interface RoomCount {
  /** Throws `HistoryError` (`full`) if there are as many rooms as the store takes. */
  refuseNew(dir: string): void;
  readonly isFull: boolean;
  added(): void;
  /** All rooms were counted. */
  counted(rooms: number): void;
}

/** Counts rooms; until all were counted once, those that were added. */
export const roomCount = (most: number): RoomCount => {
  let rooms = 0;
  return {
    refuseNew: (dir) => {
      if (rooms >= most)
        throw new HistoryError('full', `the history in ${dir} has ${rooms} rooms, and takes no new one`);
    },
    get isFull() {
      return rooms >= most;
    },
    added: () => {
      rooms += 1;
    },
    counted: (counted) => {
      rooms = counted;
    },
  };
};
