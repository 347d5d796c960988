import { expect, test } from '@jest/globals';
import { LOOPBACK, parseTrustedProxies } from '../../../src/net/trustedProxies.js';

test.each([
  [LOOPBACK, ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'], ['10.0.0.7', '::2', '']],
  ['10.0.0.7, fd00::/8', ['10.0.0.7', 'fd12::1', '::ffff:10.0.0.7'], ['10.0.0.8', 'fe00::1', '127.0.0.1']],
  ['10.1.0.0/16', ['10.1.2.3'], ['10.2.0.0', 'gone']],
])('%s contains its own addresses only', (text, inside, outside) => {
  const isTrusted = parseTrustedProxies(text);
  expect(inside.map((each) => isTrusted?.(each))).toStrictEqual(inside.map(() => true));
  expect(outside.map((each) => isTrusted?.(each))).toStrictEqual(outside.map(() => false));
});

test.each([
  '',
  'proxy.example.org',
  '10.0.0.7/33',
  '::/129',
  '10.0.0.7/',
  '10.0.0.7/8/8',
  '10.0.0.7,',
  '10.0.0.7/-1',
])('rejects %j', (text) => {
  expect(parseTrustedProxies(text)).toBeUndefined();
});
