import { afterEach, expect, test } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { checkHistory } from '../../../src/history/index.js';
import { openHistory, readAll, appendLines, tempDirs } from '../../support/history/openHistory.js';
import { changeStore } from '../../support/history/storeFiles.js';

const dirs = tempDirs();

afterEach(() => {
  dirs.clear();
});

/** Returns the directory of a store that an earlier version wrote. */
const olderStore = (name: string, version = 1): string => {
  const dir = dirs.make();
  const packed = readFileSync(fileURLToPath(new URL(`fixtures/${name}.rooms.mdb.gz`, import.meta.url)));
  writeFileSync(join(dir, 'rooms.mdb'), gunzipSync(packed));
  writeFileSync(join(dir, 'VERSION'), `rxchat history ${version}\n`);
  return dir;
};

test('a store of the first version, from 20 November 2026, can be opened, read and written, and stays sound', async () => {
  const dir = olderStore('version1');
  const before = checkHistory(dir);
  expect(before).toStrictEqual({ rooms: 22, entries: 26, bytes: 435 });
  const { history, close } = await openHistory({
    dir,
    retention: { maxAgeMs: 86_400_000, maxTotalBytes: 2 ** 20 },
    now: () => Date.UTC(2026, 10, 20, 1),
    sweepIntervalMs: 1,
  });
  const lobby = history.open('lobby', () => 'other');
  expect([lobby.id, lobby.first, lobby.next, ...readAll(lobby)]).toStrictEqual([
    ...['lobby-id', 3, 7],
    ...['three', 'four', 'five', 'six'],
  ]);
  await appendLines(lobby, 'seven');
  for (let ticks = 0; ticks < 20; ticks += 1) await new Promise(setImmediate);
  close();
  expect(checkHistory(dir)).toStrictEqual({ rooms: 22, entries: 27, bytes: 441 });
});

test('a store with a retention clock, written by an earlier scripts/storeFixture.mjs, can be opened, read and written', async () => {
  const dir = olderStore('version1.clock');
  expect(checkHistory(dir)).toStrictEqual({ rooms: 3, entries: 9, bytes: 100_030 });
  changeStore(dir, (store) => {
    expect(store.clock()).toMatchObject({ time: Date.UTC(2026, 11, 1), machine: Date.UTC(2026, 11, 1) });
  });
  const { history, close } = await openHistory({ dir });
  const logs = ['lobby', 'large', 'quiet'].map((room) => history.open(room, () => 'other'));
  expect(logs.map(({ id, first, next }) => [id, first, next])).toStrictEqual([
    ['lobby-id', 3, 7],
    ['large-id', 3, 7],
    ['quiet-id', 1, 2],
  ]);
  expect(logs.map((log) => readAll(log).map((line) => line.slice(0, 5)))).toStrictEqual([
    ['three', 'four', 'five', 'six'],
    ['three', 'four ', 'five ', 'six s'],
    ['hello'],
  ]);
  await appendLines(
    history.open('quiet', () => 'other'),
    'again',
  );
  close();
  expect(checkHistory(dir).entries).toBe(10);
});

test('a store of version 2, which was restored, can be opened, read and written, and is found to be a copy', async () => {
  const dir = olderStore('version2', 2);
  expect(checkHistory(dir)).toStrictEqual({ rooms: 3, entries: 10, bytes: 100_033 });
  const { history, close } = await openHistory({ dir });
  const logs = ['lobby', 'large', 'quiet'].map((room) => history.open(room, () => `${room}-copy`));
  expect(logs.map(({ id, ancestors, first, next }) => [id, ancestors, first, next])).toStrictEqual(
    [
      ['lobby', 3, 7, 4],
      ['large', 3, 7, 4],
      ['quiet', 1, 3, 1],
    ].map(([room, first, next, shared]) => [
      `${room}-copy`,
      [
        { log: `${room}-restored`, n: Number(next) - 1 },
        { log: `${room}-id`, n: shared },
      ],
      ...[first, next],
    ]),
  );
  expect(logs.map((log) => readAll(log).map((line) => line.slice(0, 5)))).toStrictEqual([
    ['three', 'four', 'five', 'six'],
    ['three', 'four ', 'five ', 'six s'],
    ['one', 'five'],
  ]);
  close();
});
