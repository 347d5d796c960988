import {
  copyFileSync,
  existsSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { checkHistory } from '../../../src/history/index.js';
import { VERSION_KEY } from '../../../src/history/layout/keys.js';
import { encodeHead } from '../../../src/history/layout/records.js';
import {
  changeStore,
  changeFile,
  copyStore,
  dataFile,
  fillStore,
  flipBit,
  LARGE_LINE,
  ROOMS,
  usedBytes,
} from '../../support/history/storeFiles.js';
import {
  openHistory,
  readAll,
  openError,
  appendLines,
  tempDirs,
  historyErrorOf,
} from '../../support/history/openHistory.js';

const PAGE = 4096;
/** Number of meaningful bytes in a head page. */
const HEAD = 168;
const dirs = tempDirs();
let original: string;
let contents: unknown;

beforeAll(async () => {
  original = dirs.make();
  await fillStore(original);
  contents = checkHistory(original);
});

afterAll(() => {
  dirs.clear();
});

const copy = (): string => copyStore(original, dirs.make());

/** Expects that both `check` and opening report damage. */
const expectDamaged = async (dir: string, what: string): Promise<void> => {
  const checked = historyErrorOf(() => checkHistory(dir));
  const opened = await openError({ dir });
  expect([checked.code, opened.code]).toStrictEqual(['damaged', 'damaged']);
  expect(checked.message).toContain(what);
  expect(opened.message).toContain(what);
  expect(opened.hint).toBeDefined();
};

describe('a store', () => {
  test('is verified and opened when it is sound', async () => {
    expect(contents).toStrictEqual({ rooms: ROOMS + 1, entries: 24 * ROOMS + 6, bytes: expect.any(Number) });
    const dir = copy();
    (await openHistory({ dir })).close();
    expect(checkHistory(dir)).toStrictEqual(contents);
  });

  test('is rejected when its file is missing or empty, and not created again', async () => {
    const dir = copy();
    writeFileSync(dataFile(dir), '');
    await expectDamaged(dir, 'is missing or empty');
    rmSync(dataFile(dir));
    await expectDamaged(dir, 'is missing or empty');
    expect(existsSync(dataFile(dir))).toBe(false);
  });

  test('is sound when the reserved space after the last page is cut off or changed', () => {
    const used = usedBytes(original);
    const dir = copy();
    changeFile(dir, (bytes) => bytes.fill(0xff, used));
    expect(checkHistory(dir)).toStrictEqual(contents);
    truncateSync(dataFile(dir), used);
    expect(checkHistory(dir)).toStrictEqual(contents);
  });

  test('is rejected when its file is another file', async () => {
    const dir = copy();
    const { size } = statSync(dataFile(dir));
    for (const bytes of [Buffer.alloc(size), Buffer.alloc(size, 'something else '), Buffer.from('x')]) {
      writeFileSync(dataFile(dir), bytes);
      await expectDamaged(dir, 'rooms.mdb is truncated, or its first pages were changed');
      expect(readFileSync(dataFile(dir)).equals(bytes)).toBe(true);
    }
  });

  test('is rejected when its file is cut off anywhere', async () => {
    const size = usedBytes(original);
    for (let length = 1; length < size; length += 7 * PAGE + 1) {
      const dir = copy();
      truncateSync(dataFile(dir), length);
      const checked = historyErrorOf(() => checkHistory(dir));
      const opened = await openError({ dir });
      expect([length, checked.code, opened.code]).toStrictEqual([length, 'damaged', 'damaged']);
      expect(statSync(dataFile(dir)).size).toBe(length);
    }
  });

  test('is sound when free pages at the end of its file are missing', async () => {
    const dir = dirs.make();
    const first = await openHistory({ dir, retention: { maxBytes: 5 } });
    await appendLines(
      first.history.open('lobby', () => 'id'),
      'kept',
    );
    await appendLines(
      first.history.open('large', () => 'id'),
      LARGE_LINE,
    );
    for (let n = 0; n < 6; n += 1)
      await appendLines(
        first.history.open('large', () => ''),
        'small',
      );
    first.close();

    const whole = readFileSync(dataFile(dir));
    const before = checkHistory(dir);
    const cutAt = (length: number) => {
      writeFileSync(dataFile(dir), whole.subarray(0, length));
      try {
        return checkHistory(dir).entries === before.entries;
      } catch {
        return false;
      }
    };
    let length = usedBytes(dir);
    while (cutAt(length - PAGE)) length -= PAGE;
    expect(length).toBeLessThan(usedBytes(dir));
    expect((await openError({ dir })).code).toBe('damaged');

    expect(cutAt(length)).toBe(true);
    const { history, close } = await openHistory({ dir });
    const lobby = history.open('lobby', () => 'new');
    await appendLines(lobby, 'after');
    await appendLines(
      history.open('large', () => 'new'),
      LARGE_LINE,
    );
    expect(readAll(lobby)).toStrictEqual(['kept', 'after']);
    close();
    expect(checkHistory(dir).entries).toBe(before.entries + 2);
  });

  test('is rejected or unchanged when any bit of it changed', () => {
    const size = usedBytes(original);
    const dir = copy();
    const place = fc.oneof(
      fc.nat(size - 1),
      // The header of a page.
      fc.tuple(fc.nat(size / PAGE - 1), fc.nat(200)).map(([page, at]) => page * PAGE + at),
    );
    fc.assert(
      fc.property(place, fc.nat(7), (at, bit) => {
        flipBit(dir, at, bit);
        try {
          expect(checkHistory(dir)).toStrictEqual(contents);
        } catch (error) {
          expect(error).toMatchObject({ code: 'damaged' });
        } finally {
          flipBit(dir, at, bit);
        }
      }),
      { numRuns: 200 },
    );
    expect(checkHistory(dir)).toStrictEqual(contents);
  });

  test.each([
    ['first', 0],
    ['second', PAGE],
  ])('is rejected or unchanged when any bit of its %s head changed', async (_, page) => {
    // The heads of a store with few pages are the same, and it is verified faster.
    const dir = dirs.make();
    await fillStore(dir, 1);
    const contents = checkHistory(dir);
    const found = new Set<string>();
    for (let bit = 0; bit < 8 * HEAD; bit += 1) {
      flipBit(dir, page + (bit >> 3), bit % 8);
      try {
        expect(checkHistory(dir)).toStrictEqual(contents);
        found.add('whole');
      } catch (error) {
        expect([bit, error]).toMatchObject([bit, { code: 'damaged' }]);
        found.add('damaged');
      } finally {
        flipBit(dir, page + (bit >> 3), bit % 8);
      }
    }
    expect(found).toStrictEqual(new Set(['whole', 'damaged']));
  });

  test('is rejected or unchanged when any page is zeros', () => {
    const pages = usedBytes(original) / PAGE;
    let damaged = 0;
    const dir = copy();
    for (let page = 0; page < pages; page += 1) {
      changeFile(dir, (bytes) => bytes.fill(0, page * PAGE, (page + 1) * PAGE));
      try {
        expect(checkHistory(dir)).toStrictEqual(contents);
      } catch (error) {
        expect(error).toMatchObject({ code: 'damaged' });
        damaged += 1;
      }
      copyFileSync(dataFile(original), dataFile(dir));
    }
    expect(damaged).toBeGreaterThan(10);
  });
});

describe('the version file of a store', () => {
  test('is rejected when it has other content', async () => {
    const dir = copy();
    writeFileSync(join(dir, 'VERSION'), 'rxchat');
    await expectDamaged(dir, 'VERSION was not written by rxchat');
  });

  test('is rejected when it is of a newer rxchat', async () => {
    const dir = copy();
    writeFileSync(join(dir, 'VERSION'), 'rxchat history 3\n');
    for (const error of [historyErrorOf(() => checkHistory(dir)), await openError({ dir })])
      expect([error.code, error.message, error.hint]).toStrictEqual([
        'newer-version',
        `the history in ${dir} has version 3, but this rxchat supports only 2`,
        'use the newer rxchat',
      ]);
    writeFileSync(join(dir, 'VERSION'), 'rxchat history 1\n');
    changeStore(dir, (store) => {
      store.put(VERSION_KEY, encodeHead(VERSION_KEY, { version: 3, incarnation: 0 }));
    });
    expect(historyErrorOf(() => checkHistory(dir)).code).toBe('newer-version');
    expect((await openError({ dir })).code).toBe('newer-version');
  });

  test('is created again when it alone is missing, with the version of a copy', async () => {
    const dir = copy();
    rmSync(join(dir, 'VERSION'));
    expect(checkHistory(dir)).toStrictEqual(contents);
    const { history, close } = await openHistory({ dir });
    expect(history.open('large', () => 'new').next).toBe(9);
    close();
    expect(readFileSync(join(dir, 'VERSION'), 'utf8')).toBe('rxchat history 2\n');
  });
});
