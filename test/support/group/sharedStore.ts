import { defer, EMPTY } from 'rxjs';
import type { SnapshotOrder } from '../../../streams/client/group/snapshotOrder.js';
import type { SharedStorage } from './groupClients.js';

/** What the processes of a device have stored together, in memory. */
export interface SharedStore extends Omit<SharedStorage, 'save'> {
  /** Stores as `openGroupStore` does: an older snapshot replaces no newer one, and each epoch has its own records. */
  readonly replace: (
    slot: number,
    snapshot: Uint8Array,
    order: SnapshotOrder,
    slotRecord: Uint8Array | undefined,
  ) => void;
}

const isBefore = (one: SnapshotOrder, other: SnapshotOrder): boolean =>
  one.epoch < other.epoch || (one.epoch === other.epoch && one.position < other.position);

/** Creates an empty store of a device. */
export const createSharedStore = (): SharedStore => {
  let stored: { readonly snapshot: Uint8Array; readonly order: SnapshotOrder } | undefined;
  let slotRecords: ReadonlyMap<number, Uint8Array> = new Map();
  return {
    get snapshot() {
      return stored?.snapshot;
    },
    get order() {
      return stored?.order;
    },
    get slotRecords() {
      return slotRecords;
    },
    replace: (slot, snapshot, order, slotRecord) => {
      const isLatest = stored === undefined || !isBefore(order, stored.order);
      if (!isLatest && (slotRecord === undefined || order.epoch < stored!.order.epoch)) return;
      const records = new Map(stored?.order.epoch === order.epoch ? slotRecords : []);
      if (slotRecord !== undefined) records.set(slot, slotRecord);
      slotRecords = records;
      if (isLatest) stored = { snapshot, order };
    },
  };
};

/** Returns what a process in a slot loads and saves. A snapshot is stored at once. */
export const storageOf = (store: SharedStore, slot: number): SharedStorage => ({
  get snapshot() {
    return store.snapshot;
  },
  get order() {
    return store.order;
  },
  get slotRecords() {
    return store.slotRecords;
  },
  save: (...args) =>
    defer(() => {
      store.replace(slot, ...args);
      return EMPTY;
    }),
});
