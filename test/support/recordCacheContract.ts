import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { CachedRecord, RecordCache } from '../../streams/relay/cluster/ledger.js';

/** A cache that was opened for one test. */
export interface OpenedCache {
  readonly cache: RecordCache;
  /** Makes what was added readable. */
  readonly flush: () => void;
  readonly close: () => void;
}

const record = (address: number, text = `record ${address}`, previousChecksum?: number): CachedRecord => ({
  address,
  bytes: Buffer.from(text),
  previousChecksum,
});

/** Runs the contract of `RecordCache` over an implementation. */
export const describeRecordCache = (name: string, open: () => OpenedCache): void => {
  describe(`a cache of records in ${name}`, () => {
    let opened: OpenedCache;
    beforeEach(() => {
      opened = open();
    });
    afterEach(() => {
      opened.close();
    });

    const addAll = (room: string, ...records: readonly CachedRecord[]) => {
      const cached = opened.cache.open(room);
      for (const each of records) cached.add(each);
      opened.flush();
      return cached;
    };
    const addressesOf = (room: string, from = 0, maxBytes = Infinity) =>
      opened.cache
        .open(room)
        .read(from, maxBytes)
        .map(({ address }) => address);

    test('returns the records of a room in the order of their addresses, as they were added', () => {
      addAll('other', record(2));
      const cached = addAll('room', record(7, 'seven', 2 ** 32 - 1), record(3));
      const read = cached.read(0, Infinity);
      expect(
        read.map((each) => [each.address, String(Buffer.from(each.bytes)), each.previousChecksum]),
      ).toStrictEqual([
        [3, 'record 3', undefined],
        [7, 'seven', 2 ** 32 - 1],
      ]);
    });

    test('begins at an address or after it', () => {
      addAll('room', record(3), record(7));
      expect([3, 4, 7, 8].map((from) => addressesOf('room', from))).toStrictEqual([[3, 7], [7], [7], []]);
      expect(addressesOf('empty')).toStrictEqual([]);
    });

    test('returns at least one record, and ends when they have the bytes', () => {
      addAll('room', ...[1, 2, 3].map((n) => record(n, 'x'.repeat(100))));
      expect([addressesOf('room', 0, 1), addressesOf('room', 0, 101)]).toStrictEqual([[1], [1, 2]]);
    });

    test('copies the bytes that are added', () => {
      const bytes = Buffer.from('text');
      const cached = opened.cache.open('room');
      cached.add({ address: 1, bytes, previousChecksum: undefined });
      bytes.fill(0);
      opened.flush();
      expect(String(Buffer.from(cached.read(1, 1)[0]?.bytes ?? []))).toBe('text');
    });

    test('replaces the record at an address', () => {
      const cached = addAll('room', record(3, 'one'));
      addAll('room', record(3, 'two'));
      expect(cached.read(0, Infinity).map(({ bytes }) => String(Buffer.from(bytes)))).toStrictEqual(['two']);
    });

    test('removes the records of a room before an address at once, and takes others later', () => {
      const cached = addAll('room', record(1), record(2), record(3));
      addAll('other', record(1));
      cached.removeBefore(3);
      expect(addressesOf('room')).toStrictEqual([3]);
      cached.removeBefore(Infinity);
      expect([addressesOf('room'), addressesOf('other')]).toStrictEqual([[], [1]]);
      addAll('room', record(2), record(4));
      expect(addressesOf('room')).toStrictEqual([2, 4]);
    });
  });
};
