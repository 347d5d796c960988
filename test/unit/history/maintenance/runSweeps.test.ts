import { expect, test } from '@jest/globals';
import { runSweeps } from '../../../../src/history/maintenance/sweep.js';
import type { Pause } from '../../../../src/history/maintenance/sweepRooms.js';

const HOUR_MS = 3_600_000;
const STEPS = 200;

/** Starts sweeps of many steps, and returns how many were done. */
const start = (pause: Pause) => {
  const done = { steps: 0, sweeps: 0 };
  function* steps(): Generator<Pause, void> {
    for (let n = 0; n < STEPS; n += 1) {
      done.steps += 1;
      yield pause;
    }
    done.sweeps += 1;
  }
  const sweeps = runSweeps(HOUR_MS, steps, (error) => {
    throw error;
  });
  return { done, ...sweeps };
};

const nextTick = () => new Promise(setImmediate);

test('a sweep takes one step per tick, and waits for the interval if it says so', async () => {
  const { done, stop } = start('turn');
  for (let n = 0; n < 10; n += 1) await nextTick();
  expect(done.steps).toBeLessThanOrEqual(10);
  stop();
  const waiting = start('tick');
  for (let n = 0; n < 10; n += 1) await nextTick();
  expect(waiting.done.steps).toBe(1);
  waiting.stop();
});

test.each<Pause>(['turn', 'tick'])(
  'a requested sweep takes several steps per tick until it is done, also at a pause for the %s',
  async (pause) => {
    const { done, request, stop } = start(pause);
    request();
    let ticks = 0;
    for (; done.sweeps === 0; ticks += 1) await nextTick();
    expect([done.steps, ticks < STEPS]).toStrictEqual([STEPS, true]);
    // It does not start again by itself.
    for (let n = 0; n < 10; n += 1) await nextTick();
    expect(done.steps).toBe(STEPS);
    stop();
  },
);
