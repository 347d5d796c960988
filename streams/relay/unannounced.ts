import type { Announced } from './presence.js';

/** Announcements that wait for a log that takes them. */
export interface Unannounced {
  readonly add: (announced: Announced) => void;
  /** All of them, in order; none is left. */
  readonly takeAll: () => readonly Announced[];
}

/** So many announcements wait with their nicks; with one more they become two, of numbers alone. */
const NAMED = 16;

/** Announcements that the store does not take: with their nicks while they are few, then counted only. */
export const unannounced = (): Unannounced => {
  let waiting: Announced[] = [];

  const counted = (type: 'joined' | 'left'): Announced[] => {
    const count = waiting.reduce(
      (sum, { announcement }) => sum + (announcement.type === type ? announcement.count : 0),
      0,
    );
    return count === 0 ? [] : [{ type: 'announced', announcement: { type, nicks: [], count } }];
  };

  return {
    add: (announced) => {
      waiting.push(announced);
      if (waiting.length > NAMED) waiting = [...counted('left'), ...counted('joined')];
    },
    takeAll: () => waiting.splice(0),
  };
};
