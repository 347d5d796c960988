import { expect, test } from '@jest/globals';
import { joinGate } from '../../streams/relay/joinGate.js';

const [ONE, TWO] = ['192.0.2.1:1', '192.0.2.2:1'];

test('a gate lets in at its rate, and gives each of the others the next turn that the rate has', () => {
  let now = 0;
  const gate = joinGate({ joinRate: { perSecond: 10, burst: 1 } }, () => now);
  expect([gate.isOpen(ONE), gate.tryTake(ONE)]).toStrictEqual([true, true]);
  expect([gate.isOpen(ONE), gate.tryTake(ONE)]).toStrictEqual([false, false]);
  expect([gate.turn(ONE), gate.turn(TWO), gate.turn(ONE)]).toStrictEqual([100, 200, 300]);
  now = 100;
  expect([gate.isOpen(ONE), gate.turn(ONE)]).toStrictEqual([true, 300]);
  expect([gate.tryTake(ONE), gate.isOpen(TWO)]).toStrictEqual([true, false]);
  // All turns are over: the next one is the first again.
  now = 400;
  expect(gate.turn(ONE)).toBe(100);
});

test('an address has joins of its own, in front of those for all, and turns of its own', () => {
  let now = 0;
  const rates = { joinRate: { perSecond: 100, burst: 100 }, joinRatePerAddress: { perSecond: 10, burst: 2 } };
  const gate = joinGate(rates, () => now);
  expect([gate.tryTake(ONE), gate.tryTake(ONE), gate.tryTake(ONE)]).toStrictEqual([true, true, false]);
  expect([gate.turn(ONE), gate.turn(ONE)]).toStrictEqual([100, 200]);
  // The other port is the same address, and another address is not concerned.
  expect([gate.isOpen('192.0.2.1:999'), gate.isOpen(TWO)]).toStrictEqual([false, true]);
  expect([gate.isOpen('[2001:db8::1]:1'), gate.tryTake('[2001:db8::1]:1')]).toStrictEqual([true, true]);
  gate.tryTake('[2001:db8::2]:1');
  expect(gate.isOpen('[2001:db8::3]:1')).toBe(false);
  now = 100;
  expect(gate.isOpen(ONE)).toBe(true);
});

test('an address that is refused uses up nothing of all', () => {
  const rates = { joinRate: { perSecond: 1, burst: 3 }, joinRatePerAddress: { perSecond: 1, burst: 1 } };
  const gate = joinGate(rates, () => 0);
  for (let n = 0; n < 1000; n += 1) gate.tryTake(ONE);
  expect(gate.tryTake(TWO)).toBe(true);
});

test('an address that is exempt has no joins of its own', () => {
  const joinRatePerAddress = { perSecond: 1, burst: 1, isExempt: (each: string) => each === '192.0.2.1' };
  const gate = joinGate({ joinRatePerAddress }, () => 0);
  for (let n = 0; n < 9; n += 1) expect(gate.tryTake(ONE)).toBe(true);
  expect([gate.tryTake(TWO), gate.tryTake(TWO)]).toStrictEqual([true, false]);
});

test('a proof that does not hold costs its address several joins, and the others none', () => {
  let now = 0;
  const rates = { joinRate: { perSecond: 1, burst: 2 }, joinRatePerAddress: { perSecond: 10, burst: 6 } };
  const gate = joinGate(rates, () => now);
  let tries = 0;
  for (; gate.tryTake(ONE); tries += 1) gate.fail(ONE);
  expect(tries).toBe(2);
  // It owes four joins.
  expect([gate.isOpen(ONE), gate.tryTake(TWO)]).toStrictEqual([false, true]);
  now = 400;
  expect(gate.isOpen(ONE)).toBe(false);
});

test('a join that is reserved comes before strangers, once, for as long as that is remembered', () => {
  let now = 0;
  const gate = joinGate({ joinRate: { perSecond: 1, burst: 8 } }, () => now);
  const press = () => {
    let strangers = 0;
    while (gate.tryTake(ONE)) strangers += 1;
    return strangers;
  };
  gate.reserve(TWO);
  gate.reserve(TWO);
  gate.reserve(TWO);
  expect(press()).toBe(6);
  expect([gate.tryTake(TWO), gate.tryTake(TWO), gate.tryTake(TWO)]).toStrictEqual([true, true, false]);
  // What is there again is for reserved joins first, and their turns are not behind those of strangers.
  now = 2000;
  for (let n = 0; n < 50; n += 1) gate.turn(ONE);
  expect([press(), gate.turn(TWO), gate.tryTake(TWO)]).toStrictEqual([0, 1000, true]);
  // All three are used up.
  expect(gate.tryTake(TWO)).toBe(false);
  gate.reserve(TWO);
  now += 600_000;
  expect([press(), gate.tryTake(TWO)]).toStrictEqual([6, false]);
});

test('a gate asks for a minute at most, however many came, and forgets them in that time', () => {
  let now = 0;
  const gate = joinGate({ joinRate: { perSecond: 1, burst: 1 } }, () => now);
  gate.tryTake(ONE);
  for (let n = 0; n < 1000; n += 1) gate.turn(ONE);
  expect(gate.turn(ONE)).toBe(60_000);
  now = 59_000;
  expect(gate.turn(ONE)).toBe(2000);
});

test('a gate without a rate is always open', () => {
  const gate = joinGate();
  expect([gate.isOpen(ONE), gate.tryTake(ONE), gate.turn(ONE)]).toStrictEqual([true, true, 0]);
});
