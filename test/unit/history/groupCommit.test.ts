import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { find, prepare } from '../../../src/history/directory.js';
import { HistoryError } from '../../../src/history/errors.js';
import { type GroupCommit, groupCommit } from '../../../src/history/groupCommit.js';
import { openStore } from '../../../src/history/openStore.js';
import { exceeding } from '../../../src/history/retention.js';
import type { Store } from '../../../src/history/store.js';
import { storedLog } from '../../../src/history/storedLog.js';
import { encodeText } from '../../../streams/wire/utf8.js';
import { readAll, say, tempDirs } from './support.js';

const dirs = tempDirs();
let real: Store;
let commits: GroupCommit;
/** What happens within each transaction after all else. */
let atEnd: () => void;

beforeEach(() => {
  const dir = prepare(dirs.make());
  real = openStore(dir, find(dir), { durability: 'os' });
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
  commits = groupCommit({ store, goes: exceeding({ entries: 4 }), now: () => 1 });
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
    commits,
    onDamage: () => undefined,
    sweeps: () => 0,
    isOpen: () => true,
  });

const fail = () => {
  throw new HistoryError('unwritable', 'the disk is full');
};

describe('a group commit', () => {
  test('stores what fifty rooms hand over in one turn in one transaction', async () => {
    const rooms = Array.from({ length: 50 }, (_, n) => open(`room ${n}`));
    const before = real.transactions();
    await Promise.all(rooms.map((room) => say(room, 'a', 'b')));
    expect(real.transactions()).toBe(before + 1);
    for (const room of rooms) expect(readAll(room)).toStrictEqual(['a', 'b']);
  });

  test('begins another for what is handed over when one was stored', async () => {
    const lobby = open('lobby');
    const before = real.transactions();
    await say(lobby, 'a');
    await say(lobby, 'b');
    expect(real.transactions()).toBe(before + 2);
  });

  test('that fails stores nothing of any room, tells all, and works again later', async () => {
    const [lobby, cellar] = [open('lobby'), open('cellar')];
    await say(lobby, 'a', 'b', 'c');
    atEnd = fail;
    const before = real.transactions();
    const both = await Promise.allSettled([say(lobby, 'd', 'e'), say(cellar, 'x')]);
    expect(both.map((each) => each.status === 'rejected' && String(each.reason))).toStrictEqual([
      'HistoryError: the disk is full',
      'HistoryError: the disk is full',
    ]);
    expect(real.transactions()).toBe(before);
    expect([lobby.first, lobby.next, cellar.next]).toStrictEqual([1, 4, 1]);
    expect(readAll(lobby)).toStrictEqual(['a', 'b', 'c']);
    expect(readAll(open('lobby'))).toStrictEqual(['a', 'b', 'c']);
    expect(open('cellar').next).toBe(1);

    atEnd = () => undefined;
    await Promise.all([say(lobby, 'd', 'e'), say(cellar, 'x')]);
    expect([lobby.first, lobby.next, cellar.next]).toStrictEqual([4, 6, 2]);
    expect(readAll(lobby)).toStrictEqual(['d', 'e']);
  });

  test('of which one batch is refused stores the others', async () => {
    const [lobby, cellar, stale] = [open('lobby'), open('cellar'), open('lobby')];
    await say(lobby, 'a');
    const wrong = new Promise((resolve, reject) => {
      cellar
        .append({ first: 1, count: 2, slices: [encodeText('one\n')] })
        .subscribe({ complete: () => resolve('stored'), error: reject });
    });
    const attic = open('attic');
    const all = await Promise.allSettled([say(stale, 'x'), wrong, say(attic, 'y')]);
    expect(all.map((each) => (each.status === 'rejected' ? String(each.reason) : 'stored'))).toStrictEqual([
      expect.stringContaining('HistoryError: a batch for position 1 does not follow what is stored in'),
      'HistoryError: a batch has other lines than it says',
      'stored',
    ]);
    expect([readAll(open('lobby')), open('cellar').next]).toStrictEqual([['a'], 1]);
  });

  test('that is closed stores and tells what was handed over, and takes no more', async () => {
    const lobby = open('lobby');
    const stored = say(lobby, 'a');
    commits.close();
    expect(lobby.next).toBe(2);
    await stored;
    await expect(say(lobby, 'b')).rejects.toMatchObject({ code: 'closed' });
    expect(readAll(lobby)).toStrictEqual(['a']);
  });
});
