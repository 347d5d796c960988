import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  check,
  cutTo,
  type Damage,
  damagedCopy,
  flip,
  makeStore,
  places,
  type Pristine,
  remove,
  serve,
  zeroPageBefore,
} from './support/faults/damage.js';
import { openDir, say } from '../unit/history/support.js';
import { newDir } from './support/child.js';
import { endAll } from './support/endings.js';

afterAll(endAll);

const CHECKED = 26;
const SERVED = 6;

/** One line that says what is wrong, and one that says what to do. */
const refusal = (dir: string) => new RegExp(`^rxchat: [^\n]*${dir}[^\n]*\nrxchat: hint: [^\n]+\n$`);

/** Where the numbers of the two newest transactions are. */
const HEADS = [
  [0, 152],
  [1, 4096 + 152],
] as const;

test('a store of one room and one entry, or of nothing, is told as such', async () => {
  const dir = newDir();
  expect(await check(dir)).toStrictEqual({
    code: 0,
    out: `${dir} is whole: 0 rooms, 0 entries, 0 bytes\n`,
    err: '',
  });
  const { history, close } = await openDir({ dir });
  await say(
    history.open('lobby', () => 'id'),
    'abc',
  );
  close();
  expect((await check(dir)).out).toBe(`${dir} is whole: 1 room, 1 entry, 4 bytes\n`);
});

describe.each(['stop', 'kill'] as const)('a store that a relay left by a %s', (end) => {
  let store: Pristine;
  beforeAll(async () => {
    store = await makeStore(end);
  }, 60_000);

  const expectHonestCheck = async (damage: Damage) => {
    const dir = damagedCopy(store, damage);
    const { code, out, err } = await check(dir);
    if (code === 0) {
      expect(out.replace(dir, '')).toBe(store.whole);
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

  test('is whole', async () => {
    expect(store.whole).toMatch(/ is whole: 2 rooms, \d+ entries, \d+ bytes\n$/);
    expect(await expectHonestServe(() => undefined)).toBe('whole');
  });

  test(`where a bit is another, at ${CHECKED} places: check says so, unless nothing is there`, async () => {
    const found: string[] = [];
    for (const at of places(store.used, CHECKED)) found.push(await expectHonestCheck(flip(at)));
    expect(found).toContain('damaged');
  }, 120_000);

  test.each(HEADS)(
    'where page %d seems to be of another transaction: serve refuses, or serves all of it',
    async (_, at) => {
      for (const bit of [0, 1, 2]) await expectHonestServe(flip(at, bit));
    },
  );

  test(`where a bit is another, at ${SERVED} places: serve refuses, or serves all of it`, async () => {
    const found: string[] = [];
    for (const at of places(store.used, SERVED)) found.push(await expectHonestServe(flip(at)));
    expect(found).toContain('damaged');
  }, 120_000);

  test.each<[string, Damage]>([
    ['that is gone', remove],
    ['that is empty', cutTo(0)],
    ['that was cut in its first page', cutTo(1000)],
    ['that was cut in its middle', (path) => cutTo(4096 * Math.floor(store.used / 8192))(path)],
    ['that was cut in the middle of a page', (path) => cutTo(Math.floor(store.used / 2) + 100)(path)],
  ])('whose file is one %s is refused', async (_, damage) => {
    expect(await expectHonestCheck(damage)).toBe('damaged');
    expect(await expectHonestServe(damage)).toBe('damaged');
  });

  test.each<[string, Damage]>([
    ['lacks its last page', (path) => cutTo(store.used - 4096)(path)],
    ['has zeros for its last page', (path) => zeroPageBefore(store.used)(path)],
  ])('whose file %s is refused, unless nothing is there', async (_, damage) => {
    expect(await expectHonestServe(damage)).toBe(await expectHonestCheck(damage));
  });
});
