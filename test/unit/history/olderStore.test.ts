import { afterEach, expect, test } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { checkHistory } from '../../../src/history/index.js';
import { openDir, readAll, say, tempDirs } from './support.js';

const dirs = tempDirs();

afterEach(() => {
  dirs.clear();
});

/** A store as the first version of rxchat wrote it, with 26 entries in 22 rooms, of 20 November 2026. */
const olderStore = (): string => {
  const dir = dirs.make();
  const packed = readFileSync(fileURLToPath(new URL('fixtures/version1.rooms.mdb.gz', import.meta.url)));
  writeFileSync(join(dir, 'rooms.mdb'), gunzipSync(packed));
  writeFileSync(join(dir, 'VERSION'), 'rxchat history 1\n');
  return dir;
};

test('a store of an older version is opened, read and stored in, and sound afterwards', async () => {
  const dir = olderStore();
  const before = checkHistory(dir);
  expect(before).toStrictEqual({ rooms: 22, entries: 26, bytes: 435 });
  const { history, close } = await openDir({
    dir,
    keep: { age: 86_400_000, total: 2 ** 20 },
    now: () => Date.UTC(2026, 10, 20, 1),
    sweep: 1,
  });
  const lobby = history.open('lobby', () => 'other');
  expect([lobby.id, lobby.first, lobby.next, ...readAll(lobby)]).toStrictEqual([
    ...['lobby-id', 3, 7],
    ...['three', 'four', 'five', 'six'],
  ]);
  await say(lobby, 'seven');
  for (let turns = 0; turns < 20; turns += 1) await new Promise(setImmediate);
  close();
  expect(checkHistory(dir)).toStrictEqual({ rooms: 22, entries: 27, bytes: 441 });
});
