import { describe, expect, test } from '@jest/globals';
import { createIdentity, signingKey } from '../../src/crypto/signingKey.js';
import { browserPlatform } from '../../src/browser/browserPlatform.js';
import { nodePlatform } from '../../src/nodePlatform.js';
import { ownerKey } from '../../streams/client/owner.js';
import { isSameText } from '../../streams/wire/isSameText.js';
import { encodeText } from '../../streams/wire/utf8.js';
import { CELLAR, LOBBY } from '../support/wire.js';

const alice = signingKey(new Uint8Array(32).fill(1));
const here = { ...nodePlatform, room: LOBBY };

describe('the key that owns a nick', () => {
  test('is the same each time, and in a browser', () => {
    const { key } = ownerKey(alice, here);
    expect(ownerKey(alice, here).key).toBe(key);
    expect(ownerKey(alice, { ...browserPlatform, room: LOBBY }).key).toBe(key);
  });

  test('is neither the identity nor the same in another room or of another identity', () => {
    const keys = [
      alice,
      ownerKey(alice, here),
      ownerKey(alice, { ...here, room: CELLAR }),
      ownerKey(createIdentity(), here),
    ].map(({ key }) => key);
    expect(new Set(keys).size).toBe(keys.length);
  });

  test('signs', () => {
    const { key, sign } = ownerKey(alice, here);
    const message = encodeText('hello');
    expect(nodePlatform.verify(key, message, sign(message))).toBe(true);
  });

  test('is made of a signature that is none of a message', () => {
    const signed: string[] = [];
    ownerKey(
      { ...alice, sign: (message) => (signed.push(Buffer.from(message).toString()), alice.sign(message)) },
      here,
    );
    expect(signed).toStrictEqual([`rxchat/1 owner seed\n${LOBBY}`]);
  });
});

test.each([
  ['', '', true],
  ['abc', 'abc', true],
  ['abc', 'abd', false],
  ['abc', 'ab', false],
  ['', 'a', false],
])('isSameText(%j, %j) is %j', (one, other, is) => {
  expect(isSameText(one, other)).toBe(is);
});
