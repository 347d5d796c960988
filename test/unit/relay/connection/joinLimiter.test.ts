import { expect, test } from '@jest/globals';
import { joinLimiter } from '../../../../streams/relay/connection/joinPolicy.js';

const [ONE, TWO] = ['192.0.2.1:1', '192.0.2.2:1'];

test('a gate lets in at its rate, and gives each of the others the next turn that the rate has', () => {
  let now = 0;
  const barrier = joinLimiter({ joinRate: { perSecond: 10, burst: 1 } }, () => now);
  expect([barrier.hasCapacity(ONE), barrier.tryTake(ONE)]).toStrictEqual([true, true]);
  expect([barrier.hasCapacity(ONE), barrier.tryTake(ONE)]).toStrictEqual([false, false]);
  expect([barrier.retryAfterMs(ONE), barrier.retryAfterMs(TWO), barrier.retryAfterMs(ONE)]).toStrictEqual([
    100, 200, 300,
  ]);
  now = 100;
  expect([barrier.hasCapacity(ONE), barrier.retryAfterMs(ONE)]).toStrictEqual([true, 300]);
  expect([barrier.tryTake(ONE), barrier.hasCapacity(TWO)]).toStrictEqual([true, false]);
  // All reserved times have passed, so the next one is the first again.
  now = 400;
  expect(barrier.retryAfterMs(ONE)).toBe(100);
});

test('an address has joins of its own, in front of those for all, and turns of its own', () => {
  let now = 0;
  const rates = { joinRate: { perSecond: 100, burst: 100 }, joinRatePerAddress: { perSecond: 10, burst: 2 } };
  const barrier = joinLimiter(rates, () => now);
  expect([barrier.tryTake(ONE), barrier.tryTake(ONE), barrier.tryTake(ONE)]).toStrictEqual([
    true,
    true,
    false,
  ]);
  expect([barrier.retryAfterMs(ONE), barrier.retryAfterMs(ONE)]).toStrictEqual([100, 200]);
  // Another port is the same address. Other addresses are not affected.
  expect([barrier.hasCapacity('192.0.2.1:999'), barrier.hasCapacity(TWO)]).toStrictEqual([false, true]);
  expect([barrier.hasCapacity('[2001:db8::1]:1'), barrier.tryTake('[2001:db8::1]:1')]).toStrictEqual([
    true,
    true,
  ]);
  barrier.tryTake('[2001:db8::2]:1');
  expect(barrier.hasCapacity('[2001:db8::3]:1')).toBe(false);
  now = 100;
  expect(barrier.hasCapacity(ONE)).toBe(true);
});

test('an address that is refused uses up nothing of all', () => {
  const rates = { joinRate: { perSecond: 1, burst: 3 }, joinRatePerAddress: { perSecond: 1, burst: 1 } };
  const barrier = joinLimiter(rates, () => 0);
  for (let n = 0; n < 1000; n += 1) barrier.tryTake(ONE);
  expect(barrier.tryTake(TWO)).toBe(true);
});

test('an address that is exempt has no joins of its own', () => {
  const joinRatePerAddress = { perSecond: 1, burst: 1, isExempt: (each: string) => each === '192.0.2.1' };
  const barrier = joinLimiter({ joinRatePerAddress }, () => 0);
  for (let n = 0; n < 9; n += 1) expect(barrier.tryTake(ONE)).toBe(true);
  expect([barrier.tryTake(TWO), barrier.tryTake(TWO)]).toStrictEqual([true, false]);
});

test('a proof that does not hold costs its address several joins, and the others none', () => {
  let now = 0;
  const rates = { joinRate: { perSecond: 1, burst: 2 }, joinRatePerAddress: { perSecond: 10, burst: 6 } };
  const barrier = joinLimiter(rates, () => now);
  let tries = 0;
  for (; barrier.tryTake(ONE); tries += 1) barrier.recordInvalidProof(ONE);
  expect(tries).toBe(2);
  // It owes four joins.
  expect([barrier.hasCapacity(ONE), barrier.tryTake(TWO)]).toStrictEqual([false, true]);
  now = 400;
  expect(barrier.hasCapacity(ONE)).toBe(false);
});

test('a join that is reserved comes before strangers, once, for as long as that is remembered', () => {
  let now = 0;
  const barrier = joinLimiter({ joinRate: { perSecond: 1, burst: 8 } }, () => now);
  const press = () => {
    let strangers = 0;
    while (barrier.tryTake(ONE)) strangers += 1;
    return strangers;
  };
  barrier.reserve(TWO);
  barrier.reserve(TWO);
  barrier.reserve(TWO);
  expect(press()).toBe(6);
  expect([barrier.tryTake(TWO), barrier.tryTake(TWO), barrier.tryTake(TWO)]).toStrictEqual([
    true,
    true,
    false,
  ]);
  // New tokens are for reserved joins first, whose times do not queue behind those of strangers.
  now = 2000;
  for (let n = 0; n < 50; n += 1) barrier.retryAfterMs(ONE);
  expect([press(), barrier.retryAfterMs(TWO), barrier.tryTake(TWO)]).toStrictEqual([0, 1000, true]);
  // All three are used up.
  expect(barrier.tryTake(TWO)).toBe(false);
  barrier.reserve(TWO);
  now += 600_000;
  expect([press(), barrier.tryTake(TWO)]).toStrictEqual([6, false]);
});

test('a gate asks for a minute at most, however many came, and forgets them in that time', () => {
  let now = 0;
  const barrier = joinLimiter({ joinRate: { perSecond: 1, burst: 1 } }, () => now);
  barrier.tryTake(ONE);
  for (let n = 0; n < 1000; n += 1) barrier.retryAfterMs(ONE);
  expect(barrier.retryAfterMs(ONE)).toBe(60_000);
  now = 59_000;
  expect(barrier.retryAfterMs(ONE)).toBe(2000);
});

test('a gate without a rate is always open', () => {
  const barrier = joinLimiter();
  expect([barrier.hasCapacity(ONE), barrier.tryTake(ONE), barrier.retryAfterMs(ONE)]).toStrictEqual([
    true,
    true,
    0,
  ]);
});
