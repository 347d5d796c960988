import { closeSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { reserveSpace } from '../../../../src/history/store/reserveSpace.js';
import { dataFile, usedBytes } from '../../../support/history/storeFiles.js';
import { openHistory, appendLines, tempDirs } from '../../../support/history/openHistory.js';

const MIB = 2 ** 20;
const dirs = tempDirs();

afterEach(() => {
  dirs.clear();
});

describe('the reserved space of a store', () => {
  test('is allocated once before it is used, and stored entries stay', () => {
    const dir = dirs.make();
    const file = openSync(dataFile(dir), 'w');
    writeSync(file, Buffer.alloc(10_000, 'x'));
    let end = 8192;
    const space = reserveSpace(dir, () => end);
    space.reserve(100_000);
    const { size, blocks } = statSync(dataFile(dir));
    expect(size).toBeGreaterThanOrEqual(8192 + 100_000 + MIB);
    expect(blocks * 512).toBeGreaterThanOrEqual(size);
    expect(readByte(dataFile(dir), 8191)).toBe('x'.charCodeAt(0));
    expect(readByte(dataFile(dir), 8192)).toBe(0);

    // Bytes that were written there since must not be overwritten.
    writeSync(file, 'y', 8192);
    end = 8192 + 4096;
    space.reserve(100_000);
    expect(readByte(dataFile(dir), 8192)).toBe('y'.charCodeAt(0));
    expect(statSync(dataFile(dir)).size).toBe(size);
    space.reserve(2 * MIB);
    expect(statSync(dataFile(dir)).size).toBeGreaterThanOrEqual(end + 3 * MIB);
    expect(readByte(dataFile(dir), 8192)).toBe('y'.charCodeAt(0));
    space.close();
    closeSync(file);
  });

  test('always exceeds what lmdb uses, whatever is stored and removed', async () => {
    const batches = fc.array(
      fc.array(fc.tuple(fc.nat(30), fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 4000 })), {
        minLength: 1,
        maxLength: 20,
      }),
      { minLength: 1, maxLength: 30 },
    );
    await fc.assert(
      fc.asyncProperty(batches, async (ticks) => {
        const dir = dirs.make();
        const { history, close } = await openHistory({
          dir,
          retention: { maxEntries: 60, maxTotalBytes: 500_000 },
          sweepIntervalMs: 1,
        });
        for (const tick of ticks) {
          const rooms = new Map(tick.map((each) => [each[0], each]));
          await Promise.all(
            Array.from(rooms.values(), ([room, lines, length]) =>
              appendLines(
                history.open(`room ${room}`, () => `id ${room}`),
                ...Array.from({ length: lines }, () => 'x'.repeat(length)),
              ),
            ),
          );
          // If the estimate were wrong, the reserve would be used up by now.
          expect(statSync(dataFile(dir)).size - usedBytes(dir)).toBeGreaterThanOrEqual(MIB / 2);
        }
        close();
        rmSync(join(dir, 'rooms.mdb'));
      }),
      { numRuns: 40 },
    );
  });
});

const readByte = (path: string, at: number): number | undefined => readFileSync(path)[at];
