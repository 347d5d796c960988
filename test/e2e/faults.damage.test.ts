import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  check,
  truncateTo,
  type Damage,
  damagedCopy,
  flipBit,
  makeStore,
  damageOffsets,
  type StoreSnapshot,
  removeFile,
  serve,
  zeroPageBefore,
} from './support/faults/damage.js';
import { openHistory, appendLines } from '../support/history/openHistory.js';
import { tempDir } from './support/child.js';
import { cleanUp } from './support/cleanup.js';

afterAll(cleanUp);

const CHECKED = 26;
const SERVED = 6;

/** Expects one line with the error, and one with a hint. */
const refusal = (dir: string) => new RegExp(`^rxchat: [^\n]*${dir}[^\n]*\nrxchat: hint: [^\n]+\n$`);

/** The offsets of the numbers of the two newest transactions. */
const HEADS = [
  [0, 152],
  [1, 4096 + 152],
] as const;

test('check reports a store of one room and one entry, and an empty store', async () => {
  const dir = tempDir();
  expect(await check(dir)).toStrictEqual({
    code: 0,
    out: `${dir} is intact: 0 rooms, 0 entries, 0 bytes\n`,
    err: '',
  });
  const { history, close } = await openHistory({ dir });
  await appendLines(
    history.open('lobby', () => 'id'),
    'abc',
  );
  close();
  expect((await check(dir)).out).toBe(`${dir} is intact: 1 room, 1 entry, 4 bytes\n`);
});

describe.each(['stop', 'kill'] as const)('a store that a relay left by a %s', (end) => {
  let store: StoreSnapshot;
  beforeAll(async () => {
    store = await makeStore(end);
  });

  const expectHonestCheck = async (damage: Damage) => {
    const dir = damagedCopy(store, damage);
    const { code, out, err } = await check(dir);
    if (code === 0) {
      expect(out.replace(dir, '')).toBe(store.checkOutput);
      return 'whole';
    }
    expect([code, out, err]).toStrictEqual([1, '', expect.stringMatching(refusal(dir))]);
    return 'damaged';
  };

  const expectHonestServe = async (damage: Damage) => {
    const dir = damagedCopy(store, damage);
    const served = await serve(dir, store);
    if ('code' in served) {
      expect([served.code, served.err]).toStrictEqual([1, expect.stringMatching(refusal(dir))]);
      return 'damaged';
    }
    expect(served).toStrictEqual(store.rooms.map(({ entries }) => entries));
    return 'whole';
  };

  test('passes check', async () => {
    expect(store.checkOutput).toMatch(/ is intact: 2 rooms, \d+ entries, \d+ bytes\n$/);
    expect(await expectHonestServe(() => undefined)).toBe('whole');
  });

  test(`is rejected by check with a changed bit, unless no data is there: ${CHECKED} places`, async () => {
    const found: string[] = [];
    for (const at of damageOffsets(store.usedBytes, CHECKED))
      found.push(await expectHonestCheck(flipBit(at)));
    expect(found).toContain('damaged');
  });

  test.each(HEADS)(
    'is refused or served completely by serve when page %d has another transaction',
    async (_, at) => {
      for (const bit of [0, 1, 2]) await expectHonestServe(flipBit(at, bit));
    },
  );

  test(`is refused or served completely by serve with a changed bit: ${SERVED} places`, async () => {
    const found: string[] = [];
    for (const at of damageOffsets(store.usedBytes, SERVED)) found.push(await expectHonestServe(flipBit(at)));
    expect(found).toContain('damaged');
  });

  test.each<[string, Damage]>([
    ['that is missing', removeFile],
    ['that is empty', truncateTo(0)],
    ['that was cut in its first page', truncateTo(1000)],
    ['that was cut in its middle', (path) => truncateTo(4096 * Math.floor(store.usedBytes / 8192))(path)],
    [
      'that was cut in the middle of a page',
      (path) => truncateTo(Math.floor(store.usedBytes / 2) + 100)(path),
    ],
  ])('is refused when its file is one %s', async (_, damage) => {
    expect(await expectHonestCheck(damage)).toBe('damaged');
    expect(await expectHonestServe(damage)).toBe('damaged');
  });

  test.each<[string, Damage]>([
    ['lacks its last page', (path) => truncateTo(store.usedBytes - 4096)(path)],
    ['has zeros for its last page', (path) => zeroPageBefore(store.usedBytes)(path)],
  ])('is refused when its file %s, unless no data is there', async (_, damage) => {
    expect(await expectHonestServe(damage)).toBe(await expectHonestCheck(damage));
  });
});
