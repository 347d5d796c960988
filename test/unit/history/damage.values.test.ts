import { open as openLmdb } from 'lmdb';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { checkHistory } from '../../../src/history/index.js';
import { recordKey, roomKey, VERSION_KEY } from '../../../src/history/keys.js';
import type { Store } from '../../../src/history/store.js';
import { change, changeFile, copyStore, dataOf, fill, LARGE, ROOMS } from './stores.js';
import { numbered, openDir, readAll, refusal, say, tempDirs, thrown } from './support.js';

const dirs = tempDirs();
let original: string;

beforeAll(async () => {
  original = dirs.make();
  await fill(original);
});

afterAll(() => {
  dirs.clear();
});

const copy = (): string => copyStore(original, dirs.make());

describe('a store of which', () => {
  test('a value is missing or changed is refused', () => {
    const cases: readonly [string, (store: Store) => void][] = [
      [
        'room large, positions 8 to 8 are missing',
        (store) => {
          store.removeRecord('large', 8);
        },
      ],
      [
        'room large, a record begins with position 4 and not with 3',
        (store) => {
          store.removeRecord('large', 3);
        },
      ],
      [
        'room large, a record begins with position 7 and not with 6',
        (store) => {
          store.removeRecord('large', 6);
        },
      ],
      [
        'room large, positions 3 to 8 are missing',
        (store) => {
          for (let position = 3; position <= 8; position += 1) store.removeRecord('large', position);
        },
      ],
      [
        'room large, the record from position 4 on is not what was stored',
        (store) => {
          store.put(recordKey('large', 4), store.record('large', 5)!.value);
        },
      ],
      [
        'room large, its records are not as long as they were',
        (store) => {
          const state = store.room('large')!;
          store.putRoom('large', { ...state, end: state.end + 1 });
        },
      ],
      [
        'room large, the record from position 3 on is not as long as it says',
        (store) => {
          const state = store.room('large')!;
          store.putRoom('large', { ...state, start: state.start - 1 });
        },
      ],
      [
        'room large, the record from position 3 on is not as old as it was',
        (store) => {
          store.putRoom('large', { ...store.room('large')!, oldest: 1 });
        },
      ],
      [
        'room room 7, what is known of it is not what was stored',
        (store) => {
          store.put(roomKey('room 7'), new Uint8Array(60));
        },
      ],
      [
        'it has values that are none of rxchat',
        (store) => {
          store.put(Uint8Array.of(1, 2, 3), Uint8Array.of(1));
        },
      ],
      [
        'its version is missing or not what was stored',
        (store) => {
          store.put(VERSION_KEY, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
        },
      ],
    ];
    for (const [what, action] of cases) {
      const dir = copy();
      change(dir, action);
      const { code, message } = thrown(() => checkHistory(dir));
      expect([code, message]).toStrictEqual(['damaged', `the history in ${dir} is damaged: ${what}`]);
    }
  });
});

describe('opened without its check, a store', () => {
  test.each<[string, Uint8Array | undefined]>([
    ['missing', undefined],
    ['not what was stored', Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)],
  ])('whose version record is %s is refused', async (what, value) => {
    const dir = copy();
    const db = openLmdb<Uint8Array, Uint8Array>({
      path: dataOf(dir),
      encoding: 'binary',
      keyEncoding: 'binary',
    });
    if (value === undefined) db.removeSync(VERSION_KEY);
    else db.putSync(VERSION_KEY, value);
    await db.close();
    const { code, message } = await refusal({ dir });
    expect([code, message]).toStrictEqual([
      'damaged',
      `the history in ${dir} is damaged: its version record is ${what}`,
    ]);
  });
});

describe('at work,', () => {
  test('a damaged record is a gap, told of once, and the others are read', async () => {
    const dir = copy();
    changeFile(dir, (bytes) => {
      const at = bytes.lastIndexOf(LARGE);
      bytes[at + 100]! ^= 4;
    });
    const told: unknown[] = [];
    const { history, close } = await openDir({ dir, onDamage: (...damage) => told.push(damage) });
    const log = history.open('large', () => 'new');
    expect([log.id, log.first, log.next]).toStrictEqual(['large', 3, 9]);
    const read = readAll(log, 1).map((line) => (line === LARGE ? 'large' : line));
    expect(read.filter((line) => line === 'large')).toHaveLength(5);
    const [first, gap] = read.filter((line) => line !== 'large');
    expect(first).toBe('1-2');
    const at = Number(/^(\d+)-\1$/.exec(gap!)![1]);
    readAll(log);
    expect(told).toStrictEqual([['large', at, at]]);
    expect(readAll(history.open('room 3', () => 'new'))).toHaveLength(24);
    await say(log, 'after');
    expect(readAll(log, 8).at(-1)).toBe('after');
    close();
    expect(thrown(() => checkHistory(dir)).code).toBe('damaged');
  });

  test('a part of a damaged record is a gap to its end', async () => {
    const dir = copy();
    change(dir, (store) => {
      const { key, value } = store.record('room 5', 4)!;
      value[value.length - 1]! ^= 1;
      store.put(key, value);
      store.removeRecord('room 5', 13);
      store.removeRecord('room 5', 22);
    });
    const { history, close } = await openDir({ dir });
    const log = history.open('room 5', () => 'new');
    const gaps = (from: number) => readAll(log, from).filter((line) => !line.startsWith('line'));
    expect(gaps(1)).toStrictEqual(['4-6', '13-15', '22-24']);
    expect(gaps(5)).toStrictEqual(['5-6', '13-15', '22-24']);
    expect(gaps(14)).toStrictEqual(['14-15', '22-24']);
    expect(log.read(24)).toStrictEqual({ from: 24, to: 24 });
    expect(log.read(25)).toBeUndefined();
    close();
  });

  test('a room of which what is known is damaged or missing is not begun anew', async () => {
    const dir = copy();
    change(dir, (store) => {
      store.put(roomKey('room 1'), new Uint8Array(50));
      store.put(recordKey('unknown', 1), store.record('room 2', 1)!.value);
    });
    const { history, close } = await openDir({ dir, keep: { age: 1, total: 1 }, sweep: 1 });
    for (const room of ['room 1', 'unknown'])
      expect(thrown(() => history.open(room, () => 'new')).code).toBe('damaged');
    expect(history.open('room 2', () => 'new').id).toBe('id 2');
    close();
  });

  test('retention removes damaged records with the others', async () => {
    const dir = copy();
    change(dir, (store) => {
      for (const position of [1, 4, 7]) store.put(recordKey('room 5', position), new Uint8Array(50));
      store.removeRecord('room 5', 10);
    });
    const { history, close } = await openDir({ dir, keep: { entries: 9 } });
    const log = history.open('room 5', () => 'new');
    await say(log, 'newest');
    expect([log.first, log.next]).toStrictEqual([19, 26]);
    expect(readAll(log)).toStrictEqual([...numbered(1, 3), ...numbered(1, 3), 'newest']);
    close();
    expect(checkHistory(dir).rooms).toBe(ROOMS + 1);
  });
});
