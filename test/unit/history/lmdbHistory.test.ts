import { copyFileSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { endWith, firstValueFrom, lastValueFrom, switchMap, tap } from 'rxjs';
import { encodeText } from '../../../streams/wire/utf8.js';
import { checkHistory, lmdbHistory } from '../../../src/history/index.js';
import { find } from '../../../src/history/directory.js';
import { numbered, openDir, readAll, refusal, say, tempDirs, thrown } from './support.js';

const dirs = tempDirs();
const NOTHING = { rooms: 0, entries: 0, bytes: 0 };

afterEach(() => {
  dirs.clear();
});

describe('the directory of a history', () => {
  test('is made, with what is in it, for its owner alone', async () => {
    const dir = join(dirs.make(), 'some', 'where');
    const { history, close } = await openDir({ dir });
    await say(
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

  test('that cannot be made is refused, and the reason told', async () => {
    const file = join(dirs.make(), 'file');
    writeFileSync(file, '');
    const errors = [await refusal({ dir: file }), await refusal({ dir: join(file, 'below') })];
    expect(errors.map(({ code, message }) => [code, message])).toStrictEqual([
      ['unwritable', `cannot keep the history in ${file}: something of that name exists already`],
      [
        'unwritable',
        `cannot keep the history in ${join(file, 'below')}: a part of the path is not a directory`,
      ],
    ]);
    expect(thrown(() => checkHistory(file)).code).toBe('unreadable');
  });

  (process.getuid?.() === 0 ? test.skip : test)('that is not ours is refused', async () => {
    const dir = join(dirs.make(), 'locked');
    mkdirSync(dir, { mode: 0o500 });
    const { code, message } = await refusal({ dir });
    expect([code, message]).toStrictEqual([
      'unwritable',
      `cannot keep the history in ${dir}: permission denied`,
    ]);
  });

  test('in which something else has the name of the file is refused', async () => {
    const dir = dirs.make();
    mkdirSync(join(dir, 'rooms.mdb'));
    expect((await refusal({ dir })).code).toBe('unreadable');
  });

  test('without a store has nothing to check', async () => {
    const dir = dirs.make();
    expect(checkHistory(dir)).toStrictEqual(NOTHING);
    expect(checkHistory(join(dir, 'none'))).toStrictEqual(NOTHING);
    writeFileSync(join(dir, 'rooms.mdb'), '');
    expect(checkHistory(dir)).toStrictEqual(NOTHING);
    (await openDir({ dir })).close();
    expect(checkHistory(dir)).toStrictEqual(NOTHING);
    expect(find(dir).marked).toBe(true);
  });
});

describe('a history', () => {
  test('as it is at any moment on the disk can be opened, with all that was stored by then', async () => {
    const dir = dirs.make();
    const { history, close } = await openDir({ dir, keep: { entries: 20 } });
    const log = history.open('lobby', () => 'id');
    for (let round = 1; round <= 30; round += 1) {
      await say(log, ...numbered(log.next, log.next + (round % 4)));
      const copy = dirs.make();
      for (const name of ['VERSION', 'rooms.mdb']) copyFileSync(join(dir, name), join(copy, name));
      const again = await openDir({ dir: copy });
      const same = again.history.open('lobby', () => 'new');
      expect([same.id, same.first, same.next]).toStrictEqual([log.id, log.first, log.next]);
      expect(readAll(same)).toStrictEqual(numbered(log.first, log.next - 1));
      again.close();
    }
    expect(checkHistory(dir).entries).toBe(log.next - log.first);
    close();
  });

  test('is durable to the disk, if nothing else is said', async () => {
    const dir = dirs.make();
    expect((await firstValueFrom(lmdbHistory({ dir }))).durability).toBe('disk');
    const { history, close } = await openDir({ dir, durability: 'disk' });
    const log = history.open('lobby', () => 'id');
    expect(history.durability).toBe('disk');
    await say(log, 'a');
    expect(readAll(log)).toStrictEqual(['a']);
    close();
    const again = await openDir({ dir, durability: 'os' });
    expect(again.history.durability).toBe('os');
    expect(readAll(again.history.open('lobby', () => 'new'))).toStrictEqual(['a']);
    again.close();
  });

  test('that is closed has stored what was handed over, and gives and takes nothing more', async () => {
    const dir = dirs.make();
    const { history, close } = await openDir({ dir });
    const log = history.open('lobby', () => 'id');
    const stored = say(log, 'a');
    close();
    await stored;
    expect([log.first, log.next]).toStrictEqual([1, 2]);
    expect(log.read(1)).toBeUndefined();
    await expect(say(log, 'b')).rejects.toMatchObject({ code: 'closed' });
    expect(thrown(() => history.open('lobby', () => 'id')).code).toBe('closed');
    expect(checkHistory(dir)).toStrictEqual({ rooms: 1, entries: 1, bytes: 2 });
  });

  test('grows beyond what was mapped at first, and reads on', async () => {
    const { history, close } = await openDir({ dir: dirs.make() });
    const line = 'x'.repeat(60_000);
    const logs = Array.from({ length: 4 }, (_, n) => history.open(`room ${n}`, () => 'id'));
    for (let round = 1; round <= 60; round += 1) {
      await Promise.all(logs.map((log) => say(log, `${round} ${line}`)));
      const read = logs.map((log) => readAll(log, round)[0]);
      expect(read.every((each) => each === `${round} ${line}`)).toBe(true);
    }
    for (const log of logs) expect(readAll(log)).toHaveLength(60);
    close();
  });

  test('stores what ten thousand rooms hand over at once', async () => {
    const dir = dirs.make();
    const { history, close } = await openDir({ dir });
    const names = Array.from({ length: 10_000 }, (_, n) => `room ${n}`);
    const logs = names.map((name) => history.open(name, () => name));
    await Promise.all(logs.map((log) => say(log, log.id)));
    expect(readAll(history.open('room 9999', () => 'new'))).toStrictEqual(['room 9999']);
    close();
    expect(checkHistory(dir).rooms).toBe(10_000);
  });

  test('errors with what a sweep throws that is no fault of the store, instead of ending the process', async () => {
    let time = 1_000_000;
    const planted = new Error('planted');
    const swept$ = lmdbHistory({
      dir: dirs.make(),
      durability: 'os',
      keep: { age: 1000 },
      sweep: 1,
      now: () => time,
      monotonic: () => time,
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
