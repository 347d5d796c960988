import { open as openLmdb } from 'lmdb';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { checkHistory } from '../../../src/history/index.js';
import { recordKey, roomKey, VERSION_KEY } from '../../../src/history/layout/keys.js';
import type { Store } from '../../../src/history/store/store.js';
import {
  changeStore,
  changeFile,
  copyStore,
  dataFile,
  fillStore,
  LARGE_LINE,
  ROOMS,
} from '../../support/history/storeFiles.js';
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
let original: string;

beforeAll(async () => {
  original = dirs.make();
  await fillStore(original);
});

afterAll(() => {
  dirs.clear();
});

const copy = (): string => copyStore(original, dirs.make());

describe('a store', () => {
  test('is rejected when a value is missing or changed', () => {
    const cases: readonly [string, (store: Store) => void][] = [
      [
        'room large, positions 8 to 8 are missing',
        (store) => {
          store.removeRecord('large', 8);
        },
      ],
      [
        'room large, a record starts at position 4 instead of 3',
        (store) => {
          store.removeRecord('large', 3);
        },
      ],
      [
        'room large, a record starts at position 7 instead of 6',
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
        'room large, the record at position 4 was changed',
        (store) => {
          store.put(recordKey('large', 4), store.record('large', 5)!.value);
        },
      ],
      [
        'room large, its records have another length than stored',
        (store) => {
          const state = store.room('large')!;
          store.putRoom('large', { ...state, end: state.end + 1 });
        },
      ],
      [
        'room large, the record at position 3 has a different length than it declares',
        (store) => {
          const state = store.room('large')!;
          store.putRoom('large', { ...state, start: state.start - 1 });
        },
      ],
      [
        'room large, the record at position 3 has a different time than its room declares',
        (store) => {
          store.putRoom('large', { ...store.room('large')!, oldest: 1 });
        },
      ],
      [
        'room room 7, its own record was changed',
        (store) => {
          store.put(roomKey('room 7'), new Uint8Array(60));
        },
      ],
      [
        'it has values that rxchat did not write',
        (store) => {
          store.put(Uint8Array.of(1, 2, 3), Uint8Array.of(1));
        },
      ],
      [
        'its version record is missing or was changed',
        (store) => {
          store.put(VERSION_KEY, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
        },
      ],
    ];
    for (const [what, action] of cases) {
      const dir = copy();
      changeStore(dir, action);
      const { code, message } = historyErrorOf(() => checkHistory(dir));
      expect([code, message]).toStrictEqual(['damaged', `the history in ${dir} is damaged: ${what}`]);
    }
  });
});

describe('a store that is opened without checkHistory', () => {
  test.each<[string, Uint8Array | undefined]>([
    ['is missing', undefined],
    ['was changed', Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)],
  ])('is rejected when its version record %s', async (what, value) => {
    const dir = copy();
    const db = openLmdb<Uint8Array, Uint8Array>({
      path: dataFile(dir),
      encoding: 'binary',
      keyEncoding: 'binary',
    });
    if (value === undefined) db.removeSync(VERSION_KEY);
    else db.putSync(VERSION_KEY, value);
    await db.close();
    const { code, message } = await openError({ dir });
    expect([code, message]).toStrictEqual([
      'damaged',
      `the history in ${dir} is damaged: its version record ${what}`,
    ]);
  });
});

describe('an open store', () => {
  test('reports a damaged record as a gap once, and reads the others', async () => {
    const dir = copy();
    changeFile(dir, (bytes) => {
      const at = bytes.lastIndexOf(LARGE_LINE);
      bytes[at + 100]! ^= 4;
    });
    const reported: unknown[] = [];
    const { history, close } = await openHistory({ dir, onDamage: (...damage) => reported.push(damage) });
    const log = history.open('large', () => 'new');
    expect([log.ancestors, log.first, log.next]).toStrictEqual([[{ log: 'large', n: 8 }], 3, 9]);
    const read = readAll(log, 1).map((line) => (line === LARGE_LINE ? 'large' : line));
    expect(read.filter((line) => line === 'large')).toHaveLength(5);
    const [first, gap] = read.filter((line) => line !== 'large');
    expect(first).toBe('1-2');
    const at = Number(/^(\d+)-\1$/.exec(gap!)![1]);
    readAll(log);
    expect(reported).toStrictEqual([['large', at, at]]);
    expect(readAll(history.open('room 3', () => 'new'))).toHaveLength(24);
    await appendLines(log, 'after');
    expect(readAll(log, 8).at(-1)).toBe('after');
    close();
    expect(historyErrorOf(() => checkHistory(dir)).code).toBe('damaged');
  });

  test('reports a part of a damaged record as a gap to its end', async () => {
    const dir = copy();
    changeStore(dir, (store) => {
      const { key, value } = store.record('room 5', 4)!;
      value[value.length - 1]! ^= 1;
      store.put(key, value);
      store.removeRecord('room 5', 13);
      store.removeRecord('room 5', 22);
    });
    const { history, close } = await openHistory({ dir });
    const log = history.open('room 5', () => 'new');
    const gaps = (from: number) => readAll(log, from).filter((line) => !line.startsWith('line'));
    expect(gaps(1)).toStrictEqual(['4-6', '13-15', '22-24']);
    expect(gaps(5)).toStrictEqual(['5-6', '13-15', '22-24']);
    expect(gaps(14)).toStrictEqual(['14-15', '22-24']);
    expect(log.read(24)).toStrictEqual({ from: 24, to: 24 });
    expect(log.read(25)).toBeUndefined();
    close();
  });

  test('does not recreate a room whose state is damaged or missing', async () => {
    const dir = copy();
    changeStore(dir, (store) => {
      store.put(roomKey('room 1'), new Uint8Array(50));
      store.put(recordKey('unknown', 1), store.record('room 2', 1)!.value);
    });
    const { history, close } = await openHistory({
      dir,
      retention: { maxAgeMs: 1, maxTotalBytes: 1 },
      sweepIntervalMs: 1,
    });
    for (const room of ['room 1', 'unknown'])
      expect(historyErrorOf(() => history.open(room, () => 'new')).code).toBe('damaged');
    expect(history.open('room 2', () => 'new').ancestors).toMatchObject([{ log: 'id 2' }]);
    close();
  });

  test('removes damaged records by retention like others', async () => {
    const dir = copy();
    changeStore(dir, (store) => {
      for (const position of [1, 4, 7]) store.put(recordKey('room 5', position), new Uint8Array(50));
      store.removeRecord('room 5', 10);
    });
    const { history, close } = await openHistory({ dir, retention: { maxEntries: 9 } });
    const log = history.open('room 5', () => 'new');
    await appendLines(log, 'newest');
    expect([log.first, log.next]).toStrictEqual([19, 26]);
    expect(readAll(log)).toStrictEqual([...numberedLines(1, 3), ...numberedLines(1, 3), 'newest']);
    close();
    expect(checkHistory(dir).rooms).toBe(ROOMS + 1);
  });
});
