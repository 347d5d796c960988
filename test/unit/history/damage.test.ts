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
import { VERSION_KEY } from '../../../src/history/keys.js';
import { encodeVersion } from '../../../src/history/record.js';
import { change, changeFile, copyStore, dataOf, fill, flipBit, LARGE, ROOMS, usedOf } from './stores.js';
import { openDir, readAll, refusal, say, tempDirs, thrown } from './support.js';

const PAGE = 4096;
/** As many bytes of a head page say something. */
const HEAD = 168;
const dirs = tempDirs();
let original: string;
let contents: unknown;

beforeAll(async () => {
  original = dirs.make();
  await fill(original);
  contents = checkHistory(original);
});

afterAll(() => {
  dirs.clear();
});

const copy = (): string => copyStore(original, dirs.make());

/** Both say that it is damaged. */
const expectDamaged = async (dir: string, what: string): Promise<void> => {
  const checked = thrown(() => checkHistory(dir));
  const opened = await refusal({ dir });
  expect([checked.code, opened.code]).toStrictEqual(['damaged', 'damaged']);
  expect(checked.message).toContain(what);
  expect(opened.message).toContain(what);
  expect(opened.hint).toBeDefined();
};

describe('a store of which', () => {
  test('nothing is wrong is checked and opened', async () => {
    expect(contents).toStrictEqual({ rooms: ROOMS + 1, entries: 24 * ROOMS + 6, bytes: expect.any(Number) });
    const dir = copy();
    (await openDir({ dir })).close();
    expect(checkHistory(dir)).toStrictEqual(contents);
  });

  test('the file is missing or empty is refused, and not begun anew', async () => {
    const dir = copy();
    writeFileSync(dataOf(dir), '');
    await expectDamaged(dir, 'is missing or empty');
    rmSync(dataOf(dir));
    await expectDamaged(dir, 'is missing or empty');
    expect(existsSync(dataOf(dir))).toBe(false);
  });

  test('what is reserved behind the last page is cut off or changed is what it was', () => {
    const used = usedOf(original);
    const dir = copy();
    changeFile(dir, (bytes) => bytes.fill(0xff, used));
    expect(checkHistory(dir)).toStrictEqual(contents);
    truncateSync(dataOf(dir), used);
    expect(checkHistory(dir)).toStrictEqual(contents);
  });

  test('the file is something else is refused', async () => {
    const dir = copy();
    const { size } = statSync(dataOf(dir));
    for (const bytes of [Buffer.alloc(size), Buffer.alloc(size, 'something else '), Buffer.from('x')]) {
      writeFileSync(dataOf(dir), bytes);
      await expectDamaged(dir, 'rooms.mdb is cut off, or its first pages are not what was stored');
      expect(readFileSync(dataOf(dir)).equals(bytes)).toBe(true);
    }
  });

  test('the file is cut off anywhere is refused', async () => {
    const size = usedOf(original);
    for (let length = 1; length < size; length += 7 * PAGE + 1) {
      const dir = copy();
      truncateSync(dataOf(dir), length);
      const checked = thrown(() => checkHistory(dir));
      const opened = await refusal({ dir });
      expect([length, checked.code, opened.code]).toStrictEqual([length, 'damaged', 'damaged']);
      expect(statSync(dataOf(dir)).size).toBe(length);
    }
  });

  test('free pages at the end of the file are missing is sound', async () => {
    const dir = dirs.make();
    const first = await openDir({ dir, keep: { bytes: 5 } });
    await say(
      first.history.open('lobby', () => 'id'),
      'kept',
    );
    await say(
      first.history.open('large', () => 'id'),
      LARGE,
    );
    for (let n = 0; n < 6; n += 1)
      await say(
        first.history.open('large', () => ''),
        'small',
      );
    first.close();

    const whole = readFileSync(dataOf(dir));
    const before = checkHistory(dir);
    const cutAt = (length: number) => {
      writeFileSync(dataOf(dir), whole.subarray(0, length));
      try {
        return checkHistory(dir).entries === before.entries;
      } catch {
        return false;
      }
    };
    let length = usedOf(dir);
    while (cutAt(length - PAGE)) length -= PAGE;
    expect(length).toBeLessThan(usedOf(dir));
    expect((await refusal({ dir })).code).toBe('damaged');

    expect(cutAt(length)).toBe(true);
    const { history, close } = await openDir({ dir });
    const lobby = history.open('lobby', () => 'new');
    await say(lobby, 'after');
    await say(
      history.open('large', () => 'new'),
      LARGE,
    );
    expect(readAll(lobby)).toStrictEqual(['kept', 'after']);
    close();
    expect(checkHistory(dir).entries).toBe(before.entries + 2);
  });

  test('any bit is another is refused, or is what it was', () => {
    const size = usedOf(original);
    const dir = copy();
    const place = fc.oneof(
      fc.nat(size - 1),
      // Where pages say what they are.
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
  ])('any bit of the %s head is another is refused, or is what it was', (_, page) => {
    const dir = copy();
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

  test('any page is zeros is refused, or is what it was', () => {
    const pages = usedOf(original) / PAGE;
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
      copyFileSync(dataOf(original), dataOf(dir));
    }
    expect(damaged).toBeGreaterThan(10);
  });
});

describe('what says that there is a store', () => {
  test('is refused where it says something else', async () => {
    const dir = copy();
    writeFileSync(join(dir, 'VERSION'), 'rxchat');
    await expectDamaged(dir, 'VERSION says nothing that rxchat writes');
  });

  test('is refused where it is of a newer rxchat', async () => {
    const dir = copy();
    writeFileSync(join(dir, 'VERSION'), 'rxchat history 2\n');
    for (const error of [thrown(() => checkHistory(dir)), await refusal({ dir })])
      expect([error.code, error.message, error.hint]).toStrictEqual([
        'newer-version',
        `the history in ${dir} has version 2, and this rxchat knows 1`,
        'use the newer rxchat',
      ]);
    writeFileSync(join(dir, 'VERSION'), 'rxchat history 1\n');
    change(dir, (store) => {
      store.put(VERSION_KEY, encodeVersion(VERSION_KEY, 3));
    });
    expect(thrown(() => checkHistory(dir)).code).toBe('newer-version');
    expect((await refusal({ dir })).code).toBe('newer-version');
  });

  test('is made again where it alone is missing', async () => {
    const dir = copy();
    rmSync(join(dir, 'VERSION'));
    expect(checkHistory(dir)).toStrictEqual(contents);
    const { history, close } = await openDir({ dir });
    expect(history.open('large', () => 'new').next).toBe(9);
    close();
    expect(readFileSync(join(dir, 'VERSION'), 'utf8')).toBe('rxchat history 1\n');
  });
});
