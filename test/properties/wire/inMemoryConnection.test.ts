import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { VirtualTimeScheduler } from 'rxjs';
import { connectionPair } from '../../../streams/wire/connection.js';

const step = fc.constantFrom('write' as const, 'pause' as const, 'resume' as const, 'flush' as const);

describe('an in-memory connection', () => {
  test('delivers every byte in order, and wakes every writer that waits', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 80 }),
        fc.integer({ min: 1, max: 8 }),
        fc.array(fc.boolean(), { maxLength: 20 }),
        fc.boolean(),
        (steps, highWaterMark, pauses, closes) => {
          const scheduler = new VirtualTimeScheduler();
          const [near, far] = connectionPair({ highWaterMark, scheduler });
          const received: number[] = [];
          const pausing = pauses.values();
          let written = 0;
          let waiting = false;

          far.chunk$.subscribe((chunk) => {
            received.push(...chunk);
            if (pausing.next().value === true) far.pause();
          });
          near.writable$.subscribe(() => (waiting = false));
          const act = {
            write: () => {
              if (!near.write(Uint8Array.of(written++ % 256))) waiting = true;
            },
            pause: () => far.pause(),
            resume: () => far.resume(),
            flush: () => scheduler.flush(),
          };
          for (const each of steps) act[each]();
          if (closes) far.close();
          for (let n = 0; n <= pauses.length; n += 1) {
            far.resume();
            scheduler.flush();
          }
          const all = Array.from({ length: written }, (_, n) => n % 256);
          expect(received).toStrictEqual(closes ? all.slice(0, received.length) : all);
          expect(waiting).toBe(false);
        },
      ),
      { numRuns: 500 },
    );
  });
});
