import { closeSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { spaceIn } from '../../../src/history/space.js';
import { dataOf, usedOf } from './stores.js';
import { openDir, say, tempDirs } from './support.js';

const MIB = 2 ** 20;
const dirs = tempDirs();

afterEach(() => {
  dirs.clear();
});

describe('the space of a store', () => {
  test('is its own before it is used, and once; what is stored stays', () => {
    const dir = dirs.make();
    const file = openSync(dataOf(dir), 'w');
    writeSync(file, Buffer.alloc(10_000, 'x'));
    let end = 8192;
    const space = spaceIn(dir, () => end);
    space.need(100_000);
    const { size, blocks } = statSync(dataOf(dir));
    expect(size).toBeGreaterThanOrEqual(8192 + 100_000 + MIB);
    expect(blocks * 512).toBeGreaterThanOrEqual(size);
    expect(readByte(dataOf(dir), 8191)).toBe('x'.charCodeAt(0));
    expect(readByte(dataOf(dir), 8192)).toBe(0);

    // What was written there since is somebody's now.
    writeSync(file, 'y', 8192);
    end = 8192 + 4096;
    space.need(100_000);
    expect(readByte(dataOf(dir), 8192)).toBe('y'.charCodeAt(0));
    expect(statSync(dataOf(dir)).size).toBe(size);
    space.need(2 * MIB);
    expect(statSync(dataOf(dir)).size).toBeGreaterThanOrEqual(end + 3 * MIB);
    expect(readByte(dataOf(dir), 8192)).toBe('y'.charCodeAt(0));
    space.close();
    closeSync(file);
  });

  test('is always more than what lmdb takes, whatever is stored and goes', async () => {
    const batches = fc.array(
      fc.array(fc.tuple(fc.nat(30), fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 4000 })), {
        minLength: 1,
        maxLength: 20,
      }),
      { minLength: 1, maxLength: 30 },
    );
    await fc.assert(
      fc.asyncProperty(batches, async (turns) => {
        const dir = dirs.make();
        const { history, close } = await openDir({ dir, keep: { entries: 60, total: 500_000 }, sweep: 1 });
        for (const turn of turns) {
          const rooms = new Map(turn.map((each) => [each[0], each]));
          await Promise.all(
            Array.from(rooms.values(), ([room, lines, length]) =>
              say(
                history.open(`room ${room}`, () => `id ${room}`),
                ...Array.from({ length: lines }, () => 'x'.repeat(length)),
              ),
            ),
          );
          // Were the estimate wrong, what is left of it would be gone by now.
          expect(statSync(dataOf(dir)).size - usedOf(dir)).toBeGreaterThanOrEqual(MIB / 2);
        }
        close();
        rmSync(join(dir, 'rooms.mdb'));
      }),
      { numRuns: 40 },
    );
  });
});

const readByte = (path: string, at: number): number | undefined => readFileSync(path)[at];
