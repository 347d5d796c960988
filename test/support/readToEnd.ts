import { expect, jest } from '@jest/globals';
import type { Gap, ReadableLog } from '../../streams/relay/log/history.js';
import { splitLines } from './wire.js';

/** Reads from a position to the end, in the time of the fake timers, and fails if that takes too long. */
export const readToEnd = (log: ReadableLog, from: number): (string | Gap)[] => {
  const read: (string | Gap)[] = [];
  let position = from;
  for (let pendingReads = 0; pendingReads < 2000;) {
    const found = log.read(position);
    if (found === undefined) return read;
    if ('ready$' in found) {
      found.ready$.subscribe();
      jest.advanceTimersByTime(50);
      pendingReads += 1;
    } else if ('bytes' in found) {
      const lines = splitLines(found.bytes);
      expect(lines).toHaveLength(found.count);
      expect(lines.length).toBeGreaterThan(0);
      read.push(...lines);
      position += found.count;
    } else {
      expect(found.from).toBe(position);
      read.push(found);
      position = found.to + 1;
    }
  }
  throw new Error(`position ${position} cannot be read`);
};
