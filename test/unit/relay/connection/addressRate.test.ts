import { describe, expect, test } from '@jest/globals';
import { addressBuckets } from '../../../../streams/relay/connection/addressRate.js';

describe('the buckets of addresses', () => {
  test('are one for each IPv4 address and each IPv6 /64', () => {
    const levels = addressBuckets({ perSecond: 1, burst: 1 }, { now: () => 0 });
    for (const peer of ['192.0.2.1:1', '[2001:db8::1]:1']) levels.bucketOf(peer).take(1);
    const left = [
      '192.0.2.1:2',
      '[::ffff:192.0.2.1]:3',
      '192.0.2.2:1',
      '[2001:db8::9]:1',
      '[2001:db8:0:1::1]:1',
    ];
    expect(left.map((peer) => levels.bucketOf(peer).has())).toStrictEqual([false, false, true, false, true]);
  });

  test('are bounded: the address that was used longest ago is forgotten', () => {
    const levels = addressBuckets({ perSecond: 1, burst: 1 }, { now: () => 0, maxAddresses: 3 });
    for (const peer of ['a', 'b', 'c', 'a', 'd']) levels.bucketOf(peer).take(1);
    expect(levels.size).toBe(3);
    expect([levels.bucketOf('a').has(), levels.bucketOf('b').has()]).toStrictEqual([false, true]);
    for (let n = 0; n < 100; n += 1) levels.bucketOf(`n${n}`);
    expect(levels.size).toBe(3);
  });

  test('do not limit without a rate, nor an address that is exempt', () => {
    const unlimited = addressBuckets();
    expect([unlimited.limiterOf('a'), unlimited.bucketOf('a').has(1e9), unlimited.size]).toStrictEqual([
      undefined,
      true,
      0,
    ]);
    const levels = addressBuckets(
      { perSecond: 1, burst: 1, isExempt: (address) => address === 'a' },
      { now: () => 0 },
    );
    expect([levels.limiterOf('a'), levels.limiterOf('b')]).toStrictEqual([undefined, expect.anything()]);
    levels.bucketOf('a').take(9);
    expect([levels.bucketOf('a').has(), levels.size]).toStrictEqual([true, 0]);
  });

  test('that are followed are one for all connections of the address', () => {
    let now = 0;
    const levels = addressBuckets({ perSecond: 10, burst: 10 }, { now: () => now });
    const [one, two] = [levels.limiterOf('192.0.2.1:1'), levels.limiterOf('192.0.2.1:2')];
    one?.take(15);
    expect([one?.debtMs(), two?.debtMs()]).toStrictEqual([500, 500]);
    now = 600;
    expect([two?.debtMs(), two?.has()]).toStrictEqual([0, true]);
  });
});
