/** A member that is served. */
export interface Delivery {
  /** Number of entries that its connection was given. */
  readonly sentCount: number;
  /** Number of entries that it missed, since they were no longer stored. */
  readonly skippedCount: number;
  /** Whether its connection takes no more bytes at present. */
  readonly isBlocked: boolean;
}

/** Sums over the members of all rooms. */
export interface DeliveryTotals {
  /** Number of members that are served now. */
  readonly members: number;
  /** Number of members whose connection takes no more bytes at present. */
  readonly slowReaders: number;
  /** Number of entries that members were sent since the start. */
  readonly sentEntries: number;
  /** Number of entries that members missed since the start. */
  readonly skippedEntries: number;
}

/** Counts what the members of all rooms were sent. */
export interface DeliveryCounter {
  readonly add: (delivery: Delivery) => void;
  readonly remove: (delivery: Delivery) => void;
  /** Returns the sums at present, in a time that is proportional to the number of members. */
  readonly totals: () => DeliveryTotals;
}

/**
 * Creates a counter of deliveries.
 *
 * It reads the members only when asked, so that a line costs nothing more per member.
 *
 * @example
 * import { deliveryCounter } from './deliveryCounter.js';
 *
 * const counter = deliveryCounter();
 * counter.add({ sentCount: 3, skippedCount: 0, isBlocked: true });
 * console.log(counter.totals().slowReaders); // 1
 */
export const deliveryCounter = (): DeliveryCounter => {
  const deliveries = new Set<Delivery>();
  let [endedSent, endedSkipped] = [0, 0];

  return {
    add: (delivery) => {
      deliveries.add(delivery);
    },
    remove: (delivery) => {
      if (!deliveries.delete(delivery)) return;
      endedSent += delivery.sentCount;
      endedSkipped += delivery.skippedCount;
    },
    totals: () => {
      let [slowReaders, sentEntries, skippedEntries] = [0, endedSent, endedSkipped];
      for (const { isBlocked, sentCount, skippedCount } of deliveries) {
        if (isBlocked) slowReaders += 1;
        sentEntries += sentCount;
        skippedEntries += skippedCount;
      }
      return { members: deliveries.size, slowReaders, sentEntries, skippedEntries };
    },
  };
};
