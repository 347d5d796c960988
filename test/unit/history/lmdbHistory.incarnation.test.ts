import { afterEach, describe, expect, test } from '@jest/globals';
import { cpSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import {
  backupHistory,
  checkHistory,
  type HistoryEvent,
  type LmdbHistoryOptions,
  restoreHistory,
} from '../../../src/history/index.js';
import { fileIdentity, isOtherFile } from '../../../src/history/store/incarnation.js';
import { MAX_ANCESTORS } from '../../../streams/wire/fields.js';
import { appendLines, openHistory, readAll, tempDirs } from '../../support/history/openHistory.js';
import { changeStore } from '../../support/history/storeFiles.js';

const dirs = tempDirs();

afterEach(() => {
  dirs.clear();
});

/** Opens a store and its room, with an id if the room needs a new one. */
const open = async (dir: string, newId: string, options: Partial<LmdbHistoryOptions> = {}) => {
  const events: HistoryEvent[] = [];
  const { history, close } = await openHistory({ dir, onEvent: (event) => events.push(event), ...options });
  const log = history.open('lobby', () => newId);
  return { log, close, history, isCopy: events.some(({ type }) => type === 'copied') };
};

/** Opens a store and its room, appends lines, and closes it. Returns the ids of its logs. */
const append = async (dir: string, newId: string, ...lines: string[]) => {
  const { log, close, isCopy } = await open(dir, newId);
  await appendLines(log, ...lines);
  close();
  return { id: log.id, ancestors: log.ancestors, isCopy };
};

const filledStore = async (): Promise<string> => {
  const dir = dirs.make();
  await append(dir, 'first', 'one', 'two', 'three');
  return dir;
};

/** Copies a store as `cp -r` does. */
const copyOf = (dir: string): string => {
  const target = dirs.make();
  for (const name of ['VERSION', 'rooms.mdb']) cpSync(join(dir, name), join(target, name));
  return target;
};

const versionOf = (dir: string) => readFileSync(join(dir, 'VERSION'), 'utf8');

describe('the copy of a store', () => {
  test('is detected once; its logs continue under other ids, and those of the original do not change', async () => {
    const dir = await filledStore();
    const copy = copyOf(dir);
    expect(await append(copy, 'second', 'four')).toStrictEqual({
      id: 'second',
      ancestors: [{ log: 'first', n: 3 }],
      isCopy: true,
    });
    const { log, close, isCopy } = await open(copy, 'third');
    expect([log.id, log.ancestors, isCopy]).toStrictEqual(['second', [{ log: 'first', n: 3 }], false]);
    expect(readAll(log)).toStrictEqual(['one', 'two', 'three', 'four']);
    close();
    expect(versionOf(copy)).toBe('rxchat history 2\n');
    expect(checkHistory(copy)).toMatchObject({ rooms: 1, entries: 4 });

    expect(await append(dir, 'other', 'vier')).toStrictEqual({ id: 'first', ancestors: [], isCopy: false });
    expect(versionOf(dir)).toBe('rxchat history 1\n');
  });

  test('is not found in a directory that was renamed', async () => {
    const dir = await filledStore();
    const target = join(dirs.make(), 'renamed');
    renameSync(dir, target);
    expect(await append(target, 'second', 'four')).toMatchObject({ id: 'first', isCopy: false });
  });

  test('has a new id for a log until the first batch is stored', async () => {
    const copy = copyOf(await filledStore());
    for (const id of ['second', 'third']) {
      const { log, close } = await open(copy, id);
      expect([log.id, log.ancestors, log.next]).toStrictEqual([id, [{ log: 'first', n: 3 }], 4]);
      close();
    }
    expect(await append(copy, 'fourth', 'four')).toMatchObject({ id: 'fourth' });
    expect(await append(copy, 'fifth', 'five')).toMatchObject({ id: 'fourth' });
  });

  test('continues its logs while retention removes entries of them', async () => {
    const copy = copyOf(await filledStore());
    const { log, close, history } = await open(copy, 'second', {
      retention: { maxAgeMs: 1000 },
      now: () => Date.now() + 60_000,
      trustClock: true,
      sweepIntervalMs: 1,
    });
    const other = history.open('other', () => 'new');
    while (log.first < 4) await new Promise((done) => setTimeout(done, 1));
    await appendLines(other, 'one');
    await appendLines(log, 'four');
    close();
    const again = await open(copy, 'third');
    expect([again.log.id, again.log.ancestors, readAll(again.log)]).toStrictEqual([
      ...['second', [{ log: 'first', n: 3 }]],
      ['four'],
    ]);
    // A room that began in the copy continues no other log.
    const isNew = again.history.open('other', () => 'x');
    expect([isNew.id, isNew.ancestors]).toStrictEqual(['new', []]);
    again.close();
  });

  test('remembers the newest ancestors of its logs', async () => {
    let dir = await filledStore();
    for (let n = 1; n <= MAX_ANCESTORS + 1; n += 1) {
      dir = copyOf(dir);
      await append(dir, `log ${n}`, 'line');
    }
    const { log, close } = await open(dir, 'x');
    expect(log.ancestors?.map((each) => each.log)).toStrictEqual(
      Array.from({ length: MAX_ANCESTORS }, (_, n) => `log ${MAX_ANCESTORS - n}`),
    );
    expect(log.ancestors?.[0]?.n).toBe(log.next - 2);
    close();
  });

  test('is not detected in a store of an older version, which does not record its file, and later ones are', async () => {
    const dir = await filledStore();
    changeStore(dir, (store) => store.putHead({ version: 1, incarnation: 0 }));
    const copy = copyOf(dir);
    expect(await append(copy, 'second', 'four')).toMatchObject({ id: 'first', isCopy: false });
    expect(await append(copyOf(copy), 'second', 'four')).toMatchObject({ id: 'second', isCopy: true });
  });
});

test('a restored store begins another incarnation, and a backup of it is restored in turn', async () => {
  const dir = await filledStore();
  let [backup, restored] = [join(dirs.make(), 'backup'), dirs.make()];
  await backupHistory(dir, backup);
  await restoreHistory(backup, restored);
  expect(versionOf(backup)).toBe('rxchat history 1\n');
  expect(versionOf(restored)).toBe('rxchat history 2\n');
  // The ids change only once, and a restored store is no unknown copy.
  expect(await append(restored, 'second', 'four', 'five')).toStrictEqual({
    ...{ id: 'second', ancestors: [{ log: 'first', n: 3 }] },
    isCopy: false,
  });
  const source = restored;
  [backup, restored] = [join(dirs.make(), 'backup'), dirs.make()];
  await backupHistory(source, backup);
  await restoreHistory(backup, restored);
  expect(versionOf(backup)).toBe('rxchat history 2\n');
  expect(await append(restored, 'third', 'six')).toMatchObject({
    id: 'third',
    ancestors: [
      { log: 'second', n: 5 },
      { log: 'first', n: 3 },
    ],
  });
});

describe('the identity of a file', () => {
  test('is its inode, and the time of its creation where both are known', () => {
    expect(isOtherFile('7 100', '7 100')).toBe(false);
    expect(isOtherFile('7 100', '8 100')).toBe(true);
    // The number of a removed file is used again.
    expect(isOtherFile('7 100', '7 200')).toBe(true);
    expect(isOtherFile('7', '7 200')).toBe(false);
    expect(isOtherFile('7 100', '7')).toBe(false);
    expect(isOtherFile('7', '8')).toBe(true);
  });

  test('does not change when the file is renamed or written', async () => {
    const dir = await filledStore();
    const before = fileIdentity(join(dir, 'rooms.mdb'));
    await append(dir, 'x', 'four');
    renameSync(join(dir, 'rooms.mdb'), join(dir, 'moved'));
    expect(isOtherFile(before, fileIdentity(join(dir, 'moved')))).toBe(false);
    cpSync(join(dir, 'moved'), join(dir, 'copy'));
    expect(isOtherFile(before, fileIdentity(join(dir, 'copy')))).toBe(true);
  });
});
