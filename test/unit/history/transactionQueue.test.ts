import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { inspectDirectory, initDirectory } from '../../../src/history/layout/directory.js';
import { HistoryError } from '../../../src/history/layout/errors.js';
import { type TransactionQueue, transactionQueue } from '../../../src/history/transactionQueue.js';
import { openStore } from '../../../src/history/store/openStore.js';
import { exceedsRoomLimits } from '../../../src/history/maintenance/retention.js';
import type { Store } from '../../../src/history/store/store.js';
import { storedLog } from '../../../src/history/storedLog.js';
import { encodeText } from '../../../streams/wire/encoding.js';
import { readAll, appendLines, tempDirs } from '../../support/history/openHistory.js';

const dirs = tempDirs();
let real: Store;
let commits: TransactionQueue;
/** Runs at the end of each transaction. */
let atEnd: () => void;

beforeEach(() => {
  const dir = initDirectory(dirs.make());
  real = openStore(dir, inspectDirectory(dir), { durability: 'os' });
  atEnd = () => undefined;
  const store: Store = {
    ...real,
    write: (action) => {
      real.write(() => {
        action();
        atEnd();
      });
    },
  };
  commits = transactionQueue({ store, isExcess: exceedsRoomLimits({ maxEntries: 4 }), now: () => 1 });
});

afterEach(() => {
  commits.close();
  real.close();
  dirs.clear();
});

const open = (room: string) =>
  storedLog({
    store: real,
    room,
    newId: () => room,
    transactions: commits,
    onDamage: () => undefined,
    sweepCount: () => 0,
    isOpen: () => true,
  });

const fail = () => {
  throw new HistoryError('unwritable', 'the disk is full');
};

describe('a transaction queue', () => {
  test('stores the batches of fifty rooms of one tick in one transaction', async () => {
    const rooms = Array.from({ length: 50 }, (_, n) => open(`room ${n}`));
    const before = real.lastTransaction();
    await Promise.all(rooms.map((room) => appendLines(room, 'a', 'b')));
    expect(real.lastTransaction()).toBe(before + 1);
    for (const room of rooms) expect(readAll(room)).toStrictEqual(['a', 'b']);
  });

  test('starts another transaction for batches that are enqueued after one was stored', async () => {
    const lobby = open('lobby');
    const before = real.lastTransaction();
    await appendLines(lobby, 'a');
    await appendLines(lobby, 'b');
    expect(real.lastTransaction()).toBe(before + 2);
  });

  test('stores no batch of a failed transaction, notifies all rooms, and works again later', async () => {
    const [lobby, cellar] = [open('lobby'), open('cellar')];
    await appendLines(lobby, 'a', 'b', 'c');
    atEnd = fail;
    const before = real.lastTransaction();
    const both = await Promise.allSettled([appendLines(lobby, 'd', 'e'), appendLines(cellar, 'x')]);
    expect(both.map((each) => each.status === 'rejected' && String(each.reason))).toStrictEqual([
      'HistoryError: the disk is full',
      'HistoryError: the disk is full',
    ]);
    expect(real.lastTransaction()).toBe(before);
    expect([lobby.first, lobby.next, cellar.next]).toStrictEqual([1, 4, 1]);
    expect(readAll(lobby)).toStrictEqual(['a', 'b', 'c']);
    expect(readAll(open('lobby'))).toStrictEqual(['a', 'b', 'c']);
    expect(open('cellar').next).toBe(1);

    atEnd = () => undefined;
    await Promise.all([appendLines(lobby, 'd', 'e'), appendLines(cellar, 'x')]);
    expect([lobby.first, lobby.next, cellar.next]).toStrictEqual([4, 6, 2]);
    expect(readAll(lobby)).toStrictEqual(['d', 'e']);
  });

  test('stores the other batches when one is rejected', async () => {
    const [lobby, cellar, stale] = [open('lobby'), open('cellar'), open('lobby')];
    await appendLines(lobby, 'a');
    const wrong = new Promise((resolve, reject) => {
      cellar
        .append({ first: 1, count: 2, slices: [encodeText('one\n')] })
        .subscribe({ complete: () => resolve('stored'), error: reject });
    });
    const attic = open('attic');
    const all = await Promise.allSettled([appendLines(stale, 'x'), wrong, appendLines(attic, 'y')]);
    expect(all.map((each) => (each.status === 'rejected' ? String(each.reason) : 'stored'))).toStrictEqual([
      expect.stringContaining('HistoryError: the batch for position 1 does not follow the entries stored in'),
      'HistoryError: a batch has a different number of lines than it declares',
      'stored',
    ]);
    expect([readAll(open('lobby')), open('cellar').next]).toStrictEqual([['a'], 1]);
  });

  test('stores and notifies pending batches when it closes, and accepts no more', async () => {
    const lobby = open('lobby');
    const stored = appendLines(lobby, 'a');
    commits.close();
    expect(lobby.next).toBe(2);
    await stored;
    await expect(appendLines(lobby, 'b')).rejects.toMatchObject({ code: 'closed' });
    expect(readAll(lobby)).toStrictEqual(['a']);
  });
});
