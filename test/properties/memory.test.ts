import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { VirtualTimeScheduler } from 'rxjs';
import { memoryPair } from '../../streams/wire/memory.js';

const step = fc.constantFrom('write' as const, 'pause' as const, 'resume' as const, 'turn' as const);

describe('a memory connection', () => {
  test('hands over every byte in order, and whoever was told to wait is woken', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 80 }),
        fc.integer({ min: 1, max: 8 }),
        fc.array(fc.boolean(), { maxLength: 20 }),
        fc.boolean(),
        (steps, highWaterMark, pauses, closes) => {
          const scheduler = new VirtualTimeScheduler();
          const [near, far] = memoryPair({ highWaterMark, scheduler });
          const heard: number[] = [];
          const pausing = pauses.values();
          let written = 0;
          let waiting = false;

          far.chunk$.subscribe((chunk) => {
            heard.push(...chunk);
            if (pausing.next().value === true) far.pause();
          });
          near.writable$.subscribe(() => (waiting = false));
          const act = {
            write: () => {
              if (!near.write(Uint8Array.of(written++ % 256))) waiting = true;
            },
            pause: () => far.pause(),
            resume: () => far.resume(),
            turn: () => scheduler.flush(),
          };
          for (const each of steps) act[each]();
          if (closes) far.close();
          for (let n = 0; n <= pauses.length; n += 1) {
            far.resume();
            scheduler.flush();
          }
          const all = Array.from({ length: written }, (_, n) => n % 256);
          expect(heard).toStrictEqual(closes ? all.slice(0, heard.length) : all);
          expect(waiting).toBe(false);
        },
      ),
      { numRuns: 500 },
    );
  });
});
