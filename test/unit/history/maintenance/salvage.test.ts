import { afterEach, beforeAll, afterAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { backupHistory, checkHistory, type Salvaged, salvageHistory } from '../../../../src/history/index.js';
import { recordKey, roomKey } from '../../../../src/history/layout/keys.js';
import { isGap, openHistory, tempDirs } from '../../../support/history/openHistory.js';
import {
  changeFile,
  changeStore,
  copyStore,
  dataFile,
  fillStore,
  flipBit,
  LARGE_LINE,
  usedBytes,
} from '../../../support/history/storeFiles.js';

const dirs = tempDirs();
const shared = tempDirs();
let intact = '';

beforeAll(async () => {
  // A backup has no reserved space, so that damage is damage of the content.
  const dir = shared.make();
  await fillStore(dir);
  intact = shared.make();
  await backupHistory(dir, intact);
});
afterAll(() => {
  shared.clear();
});
afterEach(() => {
  dirs.clear();
});

const damagedCopy = () => copyStore(intact, dirs.make());
const salvage = async (dir: string) => {
  const target = dirs.make();
  return { target, salvaged: await salvageHistory(dir, target, () => 'new id') };
};

/** Returns all entries of a store by room and position, with the id of each log before it, and its next position. */
const contentOf = async (source: string) => {
  const { history, close } = await openHistory({ dir: copyStore(source, dirs.make()) });
  const names = ['large', ...Array.from({ length: 40 }, (_, n) => `room ${n}`)];
  const rooms = new Map(
    names.map((name) => {
      const log = history.open(name, () => 'unknown');
      const entries = new Map<number, string>();
      for (let at = log.first; at < log.next;) {
        const found = log.read(at);
        if (found === undefined || 'ready$' in found) break;
        if (isGap(found)) {
          at = found.to + 1;
          continue;
        }
        for (const line of Buffer.from(found.bytes).toString().split('\n').slice(0, -1))
          entries.set(at++, line);
      }
      return [name, { id: log.ancestors?.[0]?.log, next: log.next, entries }] as const;
    }),
  );
  close();
  return rooms;
};

const lostOf = ({ rooms }: Salvaged, room: string) => rooms.find((each) => each.room === room)?.lost;

describe('salvaging', () => {
  test('an intact store saves everything, and changes nothing', async () => {
    const before = readFileSync(dataFile(intact));
    const { target, salvaged } = await salvage(intact);
    expect(salvaged.isComplete).toBe(true);
    expect(salvaged.rooms.flatMap(({ lost }) => lost)).toStrictEqual([]);
    expect(await contentOf(target)).toStrictEqual(await contentOf(intact));
    expect(readFileSync(dataFile(intact)).equals(before)).toBe(true);
  });

  test('a damaged record is a gap; all other positions mean what they meant', async () => {
    const dir = damagedCopy();
    changeStore(dir, (store) => {
      const key = recordKey('room 3', 7);
      store.put(key, Buffer.from('damaged'));
      // The first and the last record of others.
      store.put(recordKey('room 4', 1), Buffer.from('damaged'));
      store.put(recordKey('room 5', 22), Buffer.from('damaged'));
    });
    const { target, salvaged } = await salvage(dir);
    expect(salvaged.isComplete).toBe(false);
    expect(lostOf(salvaged, 'room 3')).toStrictEqual([{ from: 7, to: 9 }]);
    expect(lostOf(salvaged, 'room 4')).toStrictEqual([{ from: 1, to: 3 }]);
    expect(lostOf(salvaged, 'room 5')).toStrictEqual([{ from: 22, to: 24 }]);
    expect(lostOf(salvaged, 'room 6')).toStrictEqual([]);
    const [was, is] = [await contentOf(intact), await contentOf(target)];
    for (const [room, from] of [
      ['room 3', 7],
      ['room 4', 1],
      ['room 5', 22],
    ] as const) {
      const expected = new Map(was.get(room)!.entries);
      for (const at of [from, from + 1, from + 2]) expected.delete(at);
      expect(is.get(room)).toStrictEqual({ id: was.get(room)!.id, next: 25, entries: expected });
    }
    // What was saved can be salvaged again, and the gaps stay.
    const again = await salvage(target);
    expect(lostOf(again.salvaged, 'room 3')).toStrictEqual([{ from: 7, to: 9 }]);
    expect(await contentOf(again.target)).toStrictEqual(is);
    expect(checkHistory(again.target).rooms).toBe(41);
  });

  test('a room that lost its own record gets another log', async () => {
    const dir = damagedCopy();
    changeStore(dir, (store) => store.put(roomKey('room 3'), Buffer.from('damaged')));
    const { target, salvaged } = await salvage(dir);
    expect(salvaged.rooms.find(({ room }) => room === 'room 3')).toMatchObject({
      entries: 24,
      hasNewLog: true,
      isComplete: false,
    });
    expect((await contentOf(target)).get('room 3')).toMatchObject({ id: 'new id', next: 25 });
  });

  test.each([0, 1])('a damaged header %i leaves what the other one has', async (page) => {
    const dir = damagedCopy();
    changeFile(dir, (bytes) => bytes.fill(0x55, page * 4096, page * 4096 + 200));
    const { target, salvaged } = await salvage(dir);
    expect(salvaged.isComplete).toBe(false);
    expect(checkHistory(target).rooms).toBeGreaterThanOrEqual(40);
  });

  test('a truncated file, a damaged VERSION and no VERSION are no obstacle', async () => {
    const dir = damagedCopy();
    truncateSync(dataFile(dir), Math.floor(statSync(dataFile(dir)).size / 8192) * 4096);
    writeFileSync(join(dir, 'VERSION'), 'damaged');
    const { salvaged } = await salvage(dir);
    expect(salvaged.isComplete).toBe(false);
    rmSync(join(dir, 'VERSION'));
    expect((await salvage(dir)).salvaged).toStrictEqual(salvaged);
  });

  test.each([
    ['unreadable', (dir: string) => changeFile(dir, (bytes) => bytes.fill(0, 0, 8192))],
    ['unreadable', (dir: string) => rmSync(dataFile(dir))],
    ['newer-version', (dir: string) => writeFileSync(join(dir, 'VERSION'), 'rxchat history 9\n')],
  ])('refuses with %s what it cannot read', async (code, damage) => {
    const dir = damagedCopy();
    damage(dir);
    await expect(salvage(dir)).rejects.toMatchObject({ name: 'HistoryError', code });
  });

  test('with any damage it invents nothing, moves nothing, and reports each loss', async () => {
    const was = await contentOf(intact);
    const size = usedBytes(intact);
    const damage = fc.oneof(
      fc.record({ at: fc.nat(size - 1), bit: fc.nat(7) }).map(({ at, bit }) => (dir: string) => {
        flipBit(dir, at, bit);
      }),
      fc
        .record({ at: fc.nat(size - 1), length: fc.nat(9000), byte: fc.nat(255) })
        .map(({ at, length, byte }) => (dir: string) => {
          changeFile(dir, (bytes) => bytes.fill(byte, at, Math.min(bytes.length, at + length)));
        }),
      fc.nat(size - 1).map((at) => (dir: string) => {
        truncateSync(dataFile(dir), at);
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 5 }), async (damages) => {
        const dir = damagedCopy();
        for (const inflict of damages) inflict(dir);
        try {
          const { target, salvaged } = await salvage(dir);
          const is = await contentOf(target);
          let missing = 0;
          for (const [room, { id, entries }] of was) {
            const saved = is.get(room)!;
            // The last transaction removed entries of `large`, which are in the tree of the one before.
            for (const [at, line] of saved.entries)
              if ((entries.get(at) ?? LARGE_LINE) !== line) throw new Error(`${room} ${at}`);
            const found = salvaged.rooms.find((each) => each.room === room);
            if (found !== undefined && !found.hasNewLog) expect(saved.id).toBe(id);
            for (const at of entries.keys()) if (!saved.entries.has(at)) missing += 1;
            if (found?.isComplete === true && salvaged.isComplete) expect(missing).toBe(0);
          }
          if (missing > 0) expect(salvaged.isComplete).toBe(false);
        } catch (error) {
          expect(error).toMatchObject({ name: 'HistoryError', code: 'unreadable' });
        } finally {
          dirs.clear();
        }
      }),
      { numRuns: 60 },
    );
  });
});
