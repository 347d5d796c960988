import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Cursor, roomLog, type RoomLog } from '../../streams/relay/roomLog.js';
import { batch, textOf } from '../support/wire.js';

const WINDOW = 4096;

/** Line number n, of a length from 8 bytes to the longest that a window of four slabs is made for. */
const line = (n: number, length: number): string => `${n}`.padEnd(7 + length, '.');
const batches = fc.array(
  fc.array(fc.integer({ min: 0, max: WINDOW / 4 - 8 }), { minLength: 1, maxLength: 12 }),
  {
    maxLength: 30,
  },
);

const appendAll = (log: RoomLog, all: readonly number[][], each: () => void) => {
  const lines: string[] = [];
  for (const lengths of all) {
    const fresh = lengths.map((length, at) => line(lines.length + 1 + at, length));
    lines.push(...fresh);
    log.append(batch(...fresh));
    each();
  }
  return lines;
};

describe('a log', () => {
  test('never holds more memory than its window', () => {
    fc.assert(
      fc.property(batches, (all) => {
        const log = roomLog({ id: 'log', window: WINDOW });
        appendAll(log, all, () => {
          // All that can be reached of it: the memory behind the slices from its oldest line on.
          const slabs = new Set<ArrayBufferLike>();
          const cursor = log.cursor(log.first);
          for (let read = cursor.read(); read !== undefined; read = cursor.read())
            if (read instanceof Uint8Array) slabs.add(read.buffer);
          let held = 0;
          for (const { byteLength } of slabs) held += byteLength;
          expect(held).toBeLessThanOrEqual(WINDOW);
        });
      }),
    );
  });

  test('counts every line, and keeps the newest', () => {
    fc.assert(
      fc.property(batches, (all) => {
        const log = roomLog({ id: 'log', window: WINDOW });
        const lines = appendAll(log, all, () => undefined);
        expect(log.next).toBe(lines.length + 1);
        expect(log.first).toBeGreaterThanOrEqual(1);
        // Of four slabs the newest may be all but empty, and of any two others the lines fill at least one.
        expect(lines.slice(log.first - 1).join('\n').length).toBeGreaterThanOrEqual(
          Math.min(lines.join('\n').length, WINDOW / 4),
        );
      }),
    );
  });

  test('gives from any position each line once, in order, by its own number', () => {
    fc.assert(
      fc.property(batches, fc.nat({ max: 400 }), (all, from) => {
        const log = roomLog({ id: 'log', window: WINDOW });
        const lines = appendAll(log, all, () => undefined);
        const start = Math.min(Math.max(1, from), log.next);
        const kept = Math.max(start, log.first);
        expect(follow(log.cursor(from))).toStrictEqual({
          from: start,
          gaps: start < kept ? [[start, kept - 1]] : [],
          lines: lines.slice(kept - 1),
          to: lines.length + 1,
        });
      }),
      { numRuns: 300 },
    );
  });

  test('gives who reads now and then every line or a gap, never both and never neither', () => {
    fc.assert(
      fc.property(batches, fc.array(fc.boolean(), { minLength: 30, maxLength: 30 }), (all, reads) => {
        const log = roomLog({ id: 'log', window: WINDOW });
        const cursor = log.cursor(1);
        const numbers: number[] = [];
        const read = () => {
          const { gaps, lines } = follow(cursor);
          for (const [from, to] of gaps) for (let n = from; n <= to; n += 1) numbers.push(n);
          numbers.push(...lines.map((text) => parseInt(text, 10)));
        };
        const turn = reads.values();
        appendAll(log, all, () => turn.next().value === true && read());
        read();
        expect(numbers).toStrictEqual(Array.from({ length: log.next - 1 }, (_, n) => n + 1));
      }),
      { numRuns: 300 },
    );
  });
});

/** Reads to the end. A gap comes first or not at all, since nothing is appended meanwhile. */
const follow = (cursor: Cursor) => {
  const from = cursor.position;
  const gaps: [number, number][] = [];
  const lines: string[] = [];
  for (let read = cursor.read(); read !== undefined; read = cursor.read()) {
    if (read instanceof Uint8Array) lines.push(...textOf(read));
    else {
      expect(lines).toStrictEqual([]);
      gaps.push([read.from, read.to]);
    }
  }
  return { from, gaps, lines, to: cursor.position };
};
