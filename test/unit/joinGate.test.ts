import { expect, test } from '@jest/globals';
import { joinGate } from '../../streams/relay/joinGate.js';

test('a gate lets in at its rate, and gives each of the others the next turn that the rate has', () => {
  let now = 0;
  const gate = joinGate({ perSecond: 10, burst: 2 }, () => now);
  expect([gate.isOpen(), gate.tryTake(), gate.isOpen(), gate.tryTake()]).toStrictEqual([
    true,
    true,
    true,
    true,
  ]);
  expect([gate.isOpen(), gate.tryTake()]).toStrictEqual([false, false]);
  expect([gate.turn(), gate.turn(), gate.turn()]).toStrictEqual([100, 200, 300]);
  now = 100;
  expect([gate.isOpen(), gate.turn()]).toStrictEqual([true, 300]);
  expect([gate.tryTake(), gate.isOpen()]).toStrictEqual([true, false]);
  // All turns are over: the next one is the first again.
  now = 400;
  expect(gate.turn()).toBe(100);
});

test('a gate asks for a minute at most, however many came, and forgets them in that time', () => {
  let now = 0;
  const gate = joinGate({ perSecond: 1, burst: 1 }, () => now);
  for (let n = 0; n < 1000; n += 1) gate.turn();
  expect(gate.turn()).toBe(60_000);
  now = 59_000;
  expect(gate.turn()).toBe(2000);
});

test('a gate without a rate is always open', () => {
  const gate = joinGate();
  expect([gate.isOpen(), gate.tryTake(), gate.turn()]).toStrictEqual([true, true, 0]);
});
