import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { existsSync, mkdirSync, readdirSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { firstValueFrom, ReplaySubject, type Subscription } from 'rxjs';
import { openRecordCache, type RecordCacheEvent } from '../../../../src/history/cache/openRecordCache.js';
import { StoreRecordCache } from '../../../../src/history/cache/recordCache.js';
import { dataFile, versionFile } from '../../../../src/history/layout/directory.js';
import type { CachedRecord, RecordCache } from '../../../../streams/relay/cluster/ledger.js';
import { tempDirs } from '../../../support/history/openHistory.js';
import { changeFile } from '../../../support/history/storeFiles.js';

const MAX_BYTES = 1_000_000;

const dirs = tempDirs();
const subscriptions: Subscription[] = [];
let dir: string;
let events: RecordCacheEvent[];

beforeEach(() => {
  dir = join(dirs.make(), 'store-cache');
  events = [];
});
afterEach(() => {
  for (const each of subscriptions.splice(0)) each.unsubscribe();
  dirs.clear();
});

/** Opens a cache, as a relay process does. */
const open = async (maxAgeMs = 3_600_000) => {
  const emitted = new ReplaySubject<RecordCache | undefined>(1);
  const subscription = openRecordCache({
    dir,
    maxBytes: MAX_BYTES,
    maxAgeMs,
    onEvent: (event) => events.push(event),
  }).subscribe(emitted);
  subscriptions.push(subscription);
  const cache = await firstValueFrom(emitted);
  return { cache, close: () => subscription.unsubscribe() };
};

const record: CachedRecord = { address: 1, bytes: Buffer.from('one'), previousChecksum: undefined };
const isCached = (cache: RecordCache | undefined) => cache?.open('room').read(1, 1).length === 1;

/** Leaves a cache with a record. */
const fill = async () => {
  const { cache, close } = await open();
  cache?.open('room').add(record);
  close();
};

describe('the directory of a cache', () => {
  test('is created, and has the records of the run before', async () => {
    await fill();
    expect(isCached((await open()).cache)).toBe(true);
    expect(events).toStrictEqual([]);
  });

  test('belongs to one relay: another one takes the next number', async () => {
    await fill();
    const [first, second] = [await open(), await open()];
    expect([isCached(first.cache), isCached(second.cache)]).toStrictEqual([true, false]);
    second.cache?.open('room').add(record);
    first.close();
    second.close();
    expect(readdirSync(dir).sort()).toStrictEqual(['1', '2']);
    expect(isCached((await open()).cache)).toBe(true);
    expect(events).toStrictEqual([]);
  });

  test.each([
    { what: 'was truncated', damage: (own: string) => truncateSync(dataFile(own), 5000) },
    {
      what: 'is of another program',
      damage: (own: string) => writeFileSync(dataFile(own), 'x'.repeat(9000)),
    },
    {
      what: 'has changed pages',
      damage: (own: string) => changeFile(own, (bytes) => bytes.fill(255, 2 * 4096)),
    },
    {
      what: 'is of a newer version',
      damage: (own: string) => writeFileSync(versionFile(own), 'rxchat history 99\n'),
    },
    { what: 'is missing', damage: (own: string) => writeFileSync(dataFile(own), '') },
  ])('begins empty with one event if its file $what', async ({ damage }) => {
    await fill();
    const own = join(dir, '1');
    damage(own);
    const { cache, close } = await open();
    expect(isCached(cache)).toBe(false);
    expect(events).toMatchObject([{ type: 'dropped', dir: expect.stringContaining(own) }]);
    cache?.open('room').add(record);
    close();
    expect(isCached((await open()).cache)).toBe(true);
    expect(events).toHaveLength(1);
  });

  // With a write map, lmdb 3.5.6 ends the process here.
  test.each([50, 300, 1000, 9000])(
    'evicts records of %d bytes while others are added, and lmdb goes on',
    async (size) => {
      const { cache } = await open();
      if (!(cache instanceof StoreRecordCache)) throw new Error('no cache');
      const bytes = Buffer.alloc(size, 'x');
      const rooms = Array.from({ length: 16 }, (_, n) => cache.open(`room ${n}`));
      for (let n = 1; n <= 2000; n += 1) {
        for (const room of rooms) room.add({ address: n, bytes, previousChecksum: undefined });
        if (n % 200 === 0) cache.flush();
      }
      expect(cache.byteLength).toBeLessThanOrEqual(MAX_BYTES);
      expect(rooms[15]?.read(2000, 1)).toMatchObject([{ address: 2000 }]);
      expect(events).toStrictEqual([]);
    },
  );

  test('is not needed: without one there is an event, and no cache', async () => {
    writeFileSync(dir, 'a file is in the way');
    expect((await open()).cache).toBeUndefined();
    expect(events).toMatchObject([{ type: 'failed', dir }]);
  });

  test('of a relay that was not started for the time of --keep is emptied by another one', async () => {
    await fill();
    const unused = join(dir, '2');
    mkdirSync(unused);
    for (const file of [dataFile(unused), versionFile(unused)]) writeFileSync(file, 'old');
    const { close } = await open(5000);
    close();
    expect(existsSync(dataFile(unused))).toBe(true);
    utimesSync(dataFile(unused), 1, 1);
    await open(5000);
    expect(readdirSync(unused)).toStrictEqual([]);
  });
});
