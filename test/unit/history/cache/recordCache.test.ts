import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { StoreRecordCache, type StoreRecordCacheOptions } from '../../../../src/history/cache/recordCache.js';
import { initDirectory, inspectDirectory } from '../../../../src/history/layout/directory.js';
import { recordKey, roomKey } from '../../../../src/history/layout/keys.js';
import { openStore } from '../../../../src/history/store/openStore.js';
import type { Store } from '../../../../src/history/store/store.js';
import type { CachedRecord, CachedRoom } from '../../../../streams/relay/cluster/ledger.js';
import { tempDirs } from '../../../support/history/openHistory.js';
import { changeStore } from '../../../support/history/storeFiles.js';

const dirs = tempDirs();
let dir: string;
let opened: StoreRecordCache[] = [];
let failures: string[];
let now: number;

beforeEach(() => {
  dir = initDirectory(dirs.make());
  failures = [];
  now = 1_000_000;
});
afterEach(() => {
  for (const cache of opened) cache.close();
  opened = [];
  dirs.clear();
});

/** Opens the cache of the directory. `wrap` replaces its store. */
const open = (options: Partial<StoreRecordCacheOptions> = {}, wrap = (store: Store) => store) => {
  const store = openStore(dir, inspectDirectory(dir), { durability: 'os', useWritemap: false });
  const cache = new StoreRecordCache(wrap(store), {
    maxBytes: 2 ** 30,
    maxAgeMs: 1_000_000,
    onFailed: (reason) => failures.push(reason),
    now: () => now,
    ...options,
  });
  opened.push(cache);
  return cache;
};
const close = (cache: StoreRecordCache) => {
  cache.close();
  opened = opened.filter((each) => each !== cache);
};
const reopen = (cache: StoreRecordCache, options?: Partial<StoreRecordCacheOptions>) => {
  close(cache);
  return open(options);
};

const record = (
  address: number,
  text = `record ${address}`,
  more: Partial<CachedRecord> = {},
): CachedRecord => ({
  address,
  bytes: Buffer.from(text),
  previousChecksum: undefined,
  ...more,
});

const addAll = (cache: StoreRecordCache, room: string, records: readonly CachedRecord[]): CachedRoom => {
  const cached = cache.open(room);
  for (const each of records) cached.add(each);
  cache.flush();
  return cached;
};
const addressesOf = (cached: CachedRoom, from = 0, maxBytes = Infinity) =>
  cached.read(from, maxBytes).map(({ address }) => address);

describe('a cache of records', () => {
  test('has everything after it was closed and opened again', () => {
    const cache = open();
    const { byteLength } = (addAll(cache, 'room', [record(1), record(2, 'y'.repeat(9000))]), cache);
    const again = reopen(cache);
    expect(again.byteLength).toBe(byteLength);
    expect(addressesOf(again.open('room'))).toStrictEqual([1, 2]);
  });

  test('stores what was added when it is closed', () => {
    const cache = open();
    cache.open('room').add(record(1));
    expect(addressesOf(reopen(cache).open('room'))).toStrictEqual([1]);
  });

  test('stores at once when 4 MiB wait', () => {
    const cache = open();
    const cached = cache.open('room');
    for (let n = 1; n <= 4; n += 1) cached.add(record(n, 'x'.repeat(2 ** 20)));
    expect(addressesOf(cached)).toStrictEqual([1, 2, 3, 4]);
  });

  test('keeps the link of a record that is added again without one, and adds a missing link', () => {
    const cache = open();
    const cached = addAll(cache, 'room', [record(1, 'one', { previousChecksum: 5 }), record(2)]);
    const { byteLength } = cache;
    addAll(cache, 'room', [record(1, 'one'), record(2, 'record 2', { previousChecksum: 6 })]);
    expect(cached.read(0, Infinity).map((each) => each.previousChecksum)).toStrictEqual([5, 6]);
    expect(cache.byteLength).toBe(byteLength);
  });

  test('forgets a room when another record comes at a known address: the engine has another history', () => {
    const cache = open();
    const cached = addAll(cache, 'room', [record(1), record(2), record(3)]);
    addAll(cache, 'room', [record(2, 'another')]);
    expect(cached.read(0, Infinity).map(({ bytes }) => String(bytes))).toStrictEqual(['another']);
    addAll(cache, 'room', [record(1)]);
    expect(addressesOf(reopen(cache).open('room'))).toStrictEqual([1, 2]);
  });

  test('removes records before an address at once, also those that are not stored yet', () => {
    const cache = open();
    const cached = addAll(cache, 'room', [record(1), record(2), record(3)]);
    cached.add(record(4));
    cached.removeBefore(3);
    expect(addressesOf(cached)).toStrictEqual([3]);
    cached.removeBefore(Infinity);
    expect(addressesOf(cached)).toStrictEqual([]);
    cache.flush();
    expect(cache.byteLength).toBe(0);
    addAll(cache, 'room', [record(2)]);
    expect(addressesOf(reopen(cache).open('room'))).toStrictEqual([2]);
  });

  test('removes records by their age, from when the engine has stored them', () => {
    const cache = open({ maxAgeMs: 1000 });
    now = 10_000;
    addAll(cache, 'room', [record(1, 'old', { storedAt: 9500 }), record(2)]);
    addAll(cache, 'old', [record(3, 'old', { storedAt: 9500 })]);
    now = 10_501;
    cache.sweep();
    cache.flush();
    expect([addressesOf(cache.open('room')), addressesOf(cache.open('old'))]).toStrictEqual([[2], []]);
    close(cache);
    now = 11_001;
    const again = open({ maxAgeMs: 1000 });
    again.flush();
    expect(again.byteLength).toBe(0);
  });

  test('removes the oldest records of the rooms that were not used for the longest time', () => {
    const cache = open({ maxBytes: 100_000 });
    const large = (n: number) => record(n, 'x'.repeat(7000));
    for (const room of ['a', 'b', 'c']) addAll(cache, room, [1, 2, 3].map(large));
    cache.open('a').read(0, 1);
    addAll(cache, 'd', [1, 2, 3, 4].map(large));
    expect(cache.byteLength).toBeLessThanOrEqual(100_000);
    const left = ['a', 'b', 'c', 'd'].map((room) => addressesOf(cache.open(room)));
    expect(left).toStrictEqual([
      [1, 2, 3],
      [2, 3],
      [1, 2, 3],
      [1, 2, 3, 4],
    ]);
    // The order of use survives a restart.
    now += 1;
    cache.open('b').read(0, 1);
    const again = reopen(cache, { maxBytes: 70_000 });
    again.flush();
    expect(['a', 'b', 'c'].map((room) => addressesOf(again.open(room)))).toStrictEqual([[], [2, 3], [2, 3]]);
  });

  test('removes the oldest records of a room that is larger than the limit', () => {
    const cache = open({ maxBytes: 30_000 });
    const cached = addAll(
      cache,
      'room',
      [1, 2, 3, 4, 5].map((n) => record(n, 'x'.repeat(7000))),
    );
    expect(addressesOf(cached)).toStrictEqual([3, 4, 5]);
  });

  test('ends before a record that was changed on the disk, and replaces it', () => {
    const cache = open();
    addAll(cache, 'room', [record(1), record(2), record(3)]);
    close(cache);
    changeStore(dir, (store) => {
      const { key, value } = store.record('room', 2) as { key: Uint8Array; value: Uint8Array };
      value[value.length - 1] = 0;
      store.put(key, value);
    });
    const again = open();
    expect(addressesOf(again.open('room'))).toStrictEqual([1]);
    addAll(again, 'room', [record(2)]);
    expect(addressesOf(again.open('room'))).toStrictEqual([1, 2, 3]);
  });

  test('is damaged if the state of a room was changed', () => {
    const cache = open();
    addAll(cache, 'room', [record(1)]);
    close(cache);
    changeStore(dir, (store) => store.put(roomKey('room'), Buffer.alloc(28)));
    expect(() => open()).toThrow(expect.objectContaining({ code: 'damaged' }));
  });

  test('reports a full disk once, has what was stored before, and stores again when there is space', () => {
    let isFull = false;
    const cache = open({}, (store) => ({
      ...store,
      write: (action, bytes) => {
        store.write(() => {
          action();
          if (isFull) throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
        }, bytes);
      },
    }));
    const cached = addAll(cache, 'room', [record(1)]);
    const { byteLength } = cache;
    isFull = true;
    addAll(cache, 'room', [record(2)]);
    addAll(cache, 'room', [record(3)]);
    expect(failures).toHaveLength(1);
    expect([addressesOf(cached), cache.byteLength]).toStrictEqual([[1], byteLength]);
    isFull = false;
    addAll(cache, 'room', [record(4)]);
    isFull = true;
    addAll(cache, 'room', [record(5)]);
    expect(addressesOf(cached)).toStrictEqual([1, 4]);
    expect(failures).toHaveLength(2);
  });

  test('returns nothing and reports it if the store fails for good', () => {
    let isBroken = false;
    const cache = open({}, (store) => ({
      ...store,
      all: () => {
        if (isBroken) throw new Error('broken');
        return store.all();
      },
      records: (room, from) => {
        if (isBroken) throw new Error('broken');
        return store.records(room, from);
      },
    }));
    const cached = addAll(cache, 'room', [record(1)]);
    isBroken = true;
    expect(addressesOf(cached)).toStrictEqual([]);
    cached.add(record(2));
    cached.removeBefore(1);
    cache.flush();
    expect(addressesOf(cached)).toStrictEqual([]);
    expect(failures).toStrictEqual(['broken']);
  });

  test('rejects nothing: a name that is too long is not cached', () => {
    const cached = addAll(open(), 'x'.repeat(300), [record(1)]);
    expect(addressesOf(cached)).toStrictEqual([]);
    expect(failures).toHaveLength(1);
    expect(() => recordKey('x'.repeat(300), 1)).toThrow(RangeError);
  });
});
