import { expect, test } from '@jest/globals';
import { peerAddress } from '../../../src/net/listener.js';

test.each([
  ['192.0.2.7', '192.0.2.7:5'],
  ['::ffff:192.0.2.7', '192.0.2.7:5'],
  ['2001:db8::7', '[2001:db8::7]:5'],
  ['::ffff:0:7', '[::ffff:0:7]:5'],
])('the address of the peer %s is %s', (remoteAddress, expected) => {
  expect(peerAddress({ remoteAddress, remotePort: 5 })).toBe(expected);
});
