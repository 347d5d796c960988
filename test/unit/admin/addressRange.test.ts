import { describe, expect, test } from '@jest/globals';
import { formatRange, parseHost, parseRange, rangeMatcher } from '../../../src/admin/addressRange.js';

describe('the address of a peer', () => {
  test.each([
    ['192.0.2.1:50412', '192.0.2.1', 'ipv4'],
    ['[2001:DB8::1]:50412', '2001:db8::1', 'ipv6'],
    ['[fe80::1%eth0]:1', 'fe80::1', 'ipv6'],
    ['[::ffff:192.0.2.1]:50412', '192.0.2.1', 'ipv4'],
    ['::ffff:c000:201', '192.0.2.1', 'ipv4'],
  ])('%s is %s', (peer, host, family) => {
    expect(parseHost(peer)).toStrictEqual({ host, family });
  });

  test.each(['memory', 'gone:0', '', '192.0.2', 'bob:1', '[192.0.2.1', '[::1]x'])('%j has none', (peer) => {
    expect(parseHost(peer)).toBeUndefined();
  });
});

describe('a range of addresses', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['192.0.2.77/24', '192.0.2.0/24'],
    ['192.0.2.77/31', '192.0.2.76/31'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2:3:4:5:6/128', '2001:db8:1:2:3:4:5:6/128'],
    ['2001:db8:ffff::/33', '2001:db8:8000::/33'],
    ['::1/128', '::1/128'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1/120', '192.0.2.0/24'],
  ])('%s is %s', (text, formatted) => {
    const range = parseRange(text);
    expect(range && formatRange(range)).toBe(formatted);
    expect(parseRange(formatted)).toStrictEqual(range);
  });

  test.each([
    '',
    'bob',
    '192.0.2.1:80',
    '[::1]',
    '192.0.2.1/33',
    '192.0.2.1/',
    '::1/129',
    '192.0.2.1/x',
    '::ffff:1.2.3.4/8',
  ])('%j is invalid', (text) => {
    expect(parseRange(text)).toBeUndefined();
  });

  test('has the peers in it, however their addresses are written, and no others', () => {
    const isInRange = rangeMatcher(['192.0.2.0/24', '2001:db8::/64'].map((text) => parseRange(text)!));
    for (const peer of ['192.0.2.255:1', '[::ffff:192.0.2.1]:1', '[2001:db8::ffff]:1'])
      expect([peer, isInRange(peer)]).toStrictEqual([peer, true]);
    for (const peer of ['192.0.3.1:1', '[2001:db8:0:1::1]:1', '[::c000:201]:1', 'memory', 'gone:0'])
      expect([peer, isInRange(peer)]).toStrictEqual([peer, false]);
  });
});
