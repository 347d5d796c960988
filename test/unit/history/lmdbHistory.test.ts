import { copyFileSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { endWith, firstValueFrom, lastValueFrom, switchMap, tap } from 'rxjs';
import { encodeText } from '../../../streams/wire/encoding.js';
import { checkHistory, lmdbHistory } from '../../../src/history/index.js';
import { inspectDirectory } from '../../../src/history/layout/directory.js';
import {
  numberedLines,
  openHistory,
  readAll,
  openError,
  appendLines,
  tempDirs,
  historyErrorOf,
} from '../../support/history/openHistory.js';

const dirs = tempDirs();
const NOTHING = { rooms: 0, entries: 0, bytes: 0 };

afterEach(() => {
  dirs.clear();
});

describe('the directory of a history', () => {
  test('is created with its files for its owner alone', async () => {
    const dir = join(dirs.make(), 'some', 'where');
    const { history, close } = await openHistory({ dir });
    await appendLines(
      history.open('lobby', () => 'id'),
      'a',
    );
    const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);
    expect(mode(dir)).toBe('700');
    const files = readdirSync(dir).sort();
    expect(files).toStrictEqual(['VERSION', 'relay.sock', 'rooms.mdb', 'rooms.mdb-lock']);
    for (const name of files.filter((each) => each !== 'relay.sock'))
      expect(mode(join(dir, name))).toBe('600');
    close();
    expect(readdirSync(dir).sort()).toStrictEqual(['VERSION', 'rooms.mdb', 'rooms.mdb-lock']);
  });

  test('is rejected with the reason when it cannot be created', async () => {
    const file = join(dirs.make(), 'file');
    writeFileSync(file, '');
    const errors = [await openError({ dir: file }), await openError({ dir: join(file, 'below') })];
    expect(errors.map(({ code, message }) => [code, message])).toStrictEqual([
      ['unwritable', `cannot store the history in ${file}: a file of that name exists already`],
      [
        'unwritable',
        `cannot store the history in ${join(file, 'below')}: a part of the path is not a directory`,
      ],
    ]);
    expect(historyErrorOf(() => checkHistory(file)).code).toBe('unreadable');
  });

  (process.getuid?.() === 0 ? test.skip : test)('that is not ours is refused', async () => {
    const dir = join(dirs.make(), 'locked');
    mkdirSync(dir, { mode: 0o500 });
    const { code, message } = await openError({ dir });
    expect([code, message]).toStrictEqual([
      'unwritable',
      `cannot store the history in ${dir}: permission denied`,
    ]);
  });

  test('is rejected when something else has the name of the file', async () => {
    const dir = dirs.make();
    mkdirSync(join(dir, 'rooms.mdb'));
    expect((await openError({ dir })).code).toBe('unreadable');
  });

  test('verifies as empty when it has no store', async () => {
    const dir = dirs.make();
    expect(checkHistory(dir)).toStrictEqual(NOTHING);
    expect(checkHistory(join(dir, 'none'))).toStrictEqual(NOTHING);
    writeFileSync(join(dir, 'rooms.mdb'), '');
    expect(checkHistory(dir)).toStrictEqual(NOTHING);
    (await openHistory({ dir })).close();
    expect(checkHistory(dir)).toStrictEqual(NOTHING);
    expect(inspectDirectory(dir).fileVersion).toBe(1);
  });
});

describe('a history', () => {
  test('can be opened from the state on disk at any moment, with everything stored by then', async () => {
    const dir = dirs.make();
    const { history, close } = await openHistory({ dir, retention: { maxEntries: 20 } });
    const log = history.open('lobby', () => 'id');
    for (let round = 1; round <= 30; round += 1) {
      await appendLines(log, ...numberedLines(log.next, log.next + (round % 4)));
      const copy = dirs.make();
      for (const name of ['VERSION', 'rooms.mdb']) copyFileSync(join(dir, name), join(copy, name));
      const again = await openHistory({ dir: copy });
      const same = again.history.open('lobby', () => 'new');
      expect([same.ancestors, same.first, same.next]).toStrictEqual([
        [{ log: log.id, n: log.next - 1 }],
        ...[log.first, log.next],
      ]);
      expect(readAll(same)).toStrictEqual(numberedLines(log.first, log.next - 1));
      again.close();
    }
    expect(checkHistory(dir).entries).toBe(log.next - log.first);
    close();
  });

  test('is durable on disk by default', async () => {
    const dir = dirs.make();
    expect((await firstValueFrom(lmdbHistory({ dir }))).durability).toBe('disk');
    const { history, close } = await openHistory({ dir, durability: 'disk' });
    const log = history.open('lobby', () => 'id');
    expect(history.durability).toBe('disk');
    await appendLines(log, 'a');
    expect(readAll(log)).toStrictEqual(['a']);
    close();
    const again = await openHistory({ dir, durability: 'os' });
    expect(again.history.durability).toBe('os');
    expect(readAll(again.history.open('lobby', () => 'new'))).toStrictEqual(['a']);
    again.close();
  });

  test('stores pending batches when it closes, and neither reads nor writes afterwards', async () => {
    const dir = dirs.make();
    const { history, close } = await openHistory({ dir });
    const log = history.open('lobby', () => 'id');
    const stored = appendLines(log, 'a');
    close();
    await stored;
    expect([log.first, log.next]).toStrictEqual([1, 2]);
    expect(log.read(1)).toBeUndefined();
    await expect(appendLines(log, 'b')).rejects.toMatchObject({ code: 'closed' });
    expect(historyErrorOf(() => history.open('lobby', () => 'id')).code).toBe('closed');
    expect(checkHistory(dir)).toStrictEqual({ rooms: 1, entries: 1, bytes: 2 });
  });

  test('grows beyond its first map, and stays readable', async () => {
    const { history, close } = await openHistory({ dir: dirs.make() });
    const line = 'x'.repeat(60_000);
    const logs = Array.from({ length: 4 }, (_, n) => history.open(`room ${n}`, () => 'id'));
    for (let round = 1; round <= 60; round += 1) {
      await Promise.all(logs.map((log) => appendLines(log, `${round} ${line}`)));
      const read = logs.map((log) => readAll(log, round)[0]);
      expect(read.every((each) => each === `${round} ${line}`)).toBe(true);
    }
    for (const log of logs) expect(readAll(log)).toHaveLength(60);
    close();
  });

  test('stores batches of ten thousand rooms at once', async () => {
    const dir = dirs.make();
    const { history, close } = await openHistory({ dir });
    const names = Array.from({ length: 10_000 }, (_, n) => `room ${n}`);
    const logs = names.map((name) => history.open(name, () => name));
    await Promise.all(logs.map((log) => appendLines(log, log.id)));
    expect(readAll(history.open('room 9999', () => 'new'))).toStrictEqual(['room 9999']);
    close();
    expect(checkHistory(dir).rooms).toBe(10_000);
  });

  test('errors with an internal error of a sweep instead of ending the process', async () => {
    let time = 1_000_000;
    const planted = new Error('planted');
    const swept$ = lmdbHistory({
      dir: dirs.make(),
      durability: 'os',
      retention: { maxAgeMs: 1000 },
      sweepIntervalMs: 1,
      now: () => time,
      monotonicNow: () => time,
      onEvent: () => {
        throw planted;
      },
    });
    await expect(
      lastValueFrom(
        swept$.pipe(
          switchMap((history) =>
            history
              .open('lobby', () => 'id')
              .append({ first: 1, count: 1, slices: [encodeText('a\n')] })
              .pipe(
                endWith('stored'),
                tap(() => (time += 5000)),
              ),
          ),
        ),
      ),
    ).rejects.toBe(planted);
  });
});
