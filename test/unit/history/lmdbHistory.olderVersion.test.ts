import { afterEach, expect, test } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { checkHistory } from '../../../src/history/index.js';
import { openHistory, readAll, appendLines, tempDirs } from '../../support/history/openHistory.js';

const dirs = tempDirs();

afterEach(() => {
  dirs.clear();
});

/** A store of 20 November 2026 from the first version of rxchat, with 26 entries in 22 rooms. */
const olderStore = (): string => {
  const dir = dirs.make();
  const packed = readFileSync(fileURLToPath(new URL('fixtures/version1.rooms.mdb.gz', import.meta.url)));
  writeFileSync(join(dir, 'rooms.mdb'), gunzipSync(packed));
  writeFileSync(join(dir, 'VERSION'), 'rxchat history 1\n');
  return dir;
};

test('a store of an older version can be opened, read and written, and stays sound', async () => {
  const dir = olderStore();
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
