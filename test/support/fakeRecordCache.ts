import type { CachedRecord, CachedRoom, RecordCache } from '../../streams/relay/cluster/ledger.js';
import { takeBytes } from './fakeLedger.js';

export interface FakeCachedRoom extends CachedRoom {
  readonly records: () => readonly CachedRecord[];
}

export interface FakeRecordCache extends RecordCache {
  readonly open: (room: string) => FakeCachedRoom;
}

/**
 * A cache in memory that is as bad as the contract of `RecordCache` allows: it never stores some of the records. Those that it
 * has are as they were added, and another record at the same address replaces one only.
 *
 * @param loses returns whether a record is not stored.
 */
export const fakeRecordCache = (loses: () => boolean = () => false): FakeRecordCache => {
  const rooms = new Map<string, Map<number, CachedRecord>>();
  return {
    open: (room) => {
      const records = rooms.get(room) ?? new Map<number, CachedRecord>();
      rooms.set(room, records);
      const sorted = () => [...records.values()].sort((a, b) => a.address - b.address);
      return {
        records: sorted,
        read: (address, maxBytes) => takeBytes(sorted(), address, maxBytes) as readonly CachedRecord[],
        add: (record) => {
          if (!loses()) records.set(record.address, { ...record, bytes: Uint8Array.from(record.bytes) });
        },
        removeBefore: (address) => {
          for (const each of records.keys()) if (each < address) records.delete(each);
        },
      };
    },
  };
};
