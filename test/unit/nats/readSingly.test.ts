import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { defer, map, take, timer } from 'rxjs';
import type { LedgerRecord } from '../../../streams/relay/cluster/ledger.js';
import { type ReadNext, readSingly } from '../../../src/nats/readSingly.js';
import { chooseSeed } from '../../support/seed.js';

beforeEach(() => {
  jest.useFakeTimers({ now: 0 });
});
afterEach(() => {
  jest.useRealTimers();
});

/** An engine with records at these addresses. Each request takes 1 ms. */
const engineWith = (records: readonly LedgerRecord[]) => {
  const count = { requests: 0, underWay: 0, maxUnderWay: 0 };
  const next: ReadNext = (address) =>
    defer(() => {
      count.requests += 1;
      count.underWay += 1;
      count.maxUnderWay = Math.max(count.maxUnderWay, count.underWay);
      return timer(1).pipe(
        map(() => {
          count.underWay -= 1;
          return records.find((each) => each.address >= address);
        }),
      );
    });
  return { next, count };
};

const recordsAt = (addresses: readonly number[], length = 100): readonly LedgerRecord[] =>
  addresses.map((address) => ({ address, bytes: new Uint8Array(length) }));

/** Returns the addresses that are read, and the time in ms until the end. */
const readAll = (next: ReadNext, address: number, { maxBytes = Infinity, limit = Infinity } = {}) => {
  const addresses: number[] = [];
  let endedAt: number | undefined;
  readSingly(next, address, maxBytes)
    .pipe(take(limit))
    .subscribe({
      next: (record) => addresses.push(record.address),
      complete: () => (endedAt = Date.now()),
    });
  while (endedAt === undefined) jest.advanceTimersByTime(1);
  return { addresses, ms: endedAt };
};

test('reads all records in order, however they are spread, with at most 8 requests under way', () => {
  // Dense and sparse ranges after each other.
  const distances = fc.array(fc.tuple(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 40 })), {
    maxLength: 12,
  });
  fc.assert(
    fc.property(distances, fc.integer({ min: 1, max: 2000 }), (ranges, from) => {
      let last = 0;
      const all = ranges.flatMap(([distance, count]) =>
        Array.from({ length: count }, () => (last += distance)),
      );
      const { next, count } = engineWith(recordsAt(all));
      expect(readAll(next, from).addresses).toStrictEqual(all.filter((address) => address >= from));
      expect(count.maxUnderWay).toBeLessThanOrEqual(8);
      expect(count.underWay).toBe(0);
    }),
    { numRuns: 200, seed: chooseSeed(19) },
  );
});

test('reads many records in a fraction of the time of one request after the other', () => {
  const all = Array.from({ length: 1000 }, (_, n) => 1 + n * 32);
  const { next, count } = engineWith(recordsAt(all));
  const { addresses, ms } = readAll(next, 1);
  expect(addresses).toStrictEqual(all);
  expect(ms).toBeLessThan(200);
  expect(count.requests).toBeLessThan(1400);
});

test('asks once for one record, and for few more than a limit in bytes allows', () => {
  const all = Array.from({ length: 1000 }, (_, n) => 1 + n * 5);
  const single = engineWith(recordsAt(all));
  expect(readAll(single.next, 3, { limit: 1 }).addresses).toStrictEqual([6]);
  expect(single.count.requests).toBe(1);

  const large = engineWith(recordsAt(all, 100_000));
  expect(readAll(large.next, 1, { maxBytes: 262_144 }).addresses.slice(0, 3)).toStrictEqual([1, 6, 11]);
  expect(large.count.requests).toBeLessThan(12);
});

test('ends with the last record, and without any', () => {
  const { next } = engineWith(recordsAt([7]));
  expect(readAll(next, 1).addresses).toStrictEqual([7]);
  expect(readAll(next, 8).addresses).toStrictEqual([]);
});
