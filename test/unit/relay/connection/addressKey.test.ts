import { describe, expect, test } from '@jest/globals';
import { addressKey } from '../../../../streams/relay/connection/addressRate.js';

describe('addressKey', () => {
  test.each([
    ['192.0.2.1:50412', '192.0.2.1'],
    ['[::ffff:192.0.2.1]:50412', '192.0.2.1'],
    ['[2001:db8:1:2:3:4:5:6]:50412', '2001:db8:1:2::/64'],
    ['[2001:DB8:0001:2:ffff::]:1', '2001:db8:1:2::/64'],
    ['[2001:db8::1]:443', '2001:db8:0:0::/64'],
    ['[fe80::1%eth0]:443', 'fe80:0:0:0::/64'],
    ['[::1]:443', '0:0:0:0::/64'],
    ['gone:0', 'gone'],
    ['fake', 'fake'],
  ])('%s counts for %s', (peer, key) => {
    expect(addressKey(peer)).toBe(key);
  });
});
