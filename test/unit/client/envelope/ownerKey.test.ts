import { describe, expect, test } from '@jest/globals';
import { createIdentity, signingKey } from '../../../../src/crypto/nodeKeys.js';
import { browserPlatform } from '../../../../src/browser/browserPlatform.js';
import { nodePlatform } from '../../../../src/node/nodePlatform.js';
import { deriveOwnerKey } from '../../../../streams/client/envelope/identity.js';
import { encodeText } from '../../../../streams/wire/encoding.js';
import { CELLAR, LOBBY } from '../../../support/wire.js';

const alice = signingKey(new Uint8Array(32).fill(1));
const here = { ...nodePlatform, room: LOBBY };

describe('deriveOwnerKey', () => {
  test('deriveOwnerKey returns the same key each time, also in a browser', () => {
    const { key } = deriveOwnerKey(alice, here);
    expect(deriveOwnerKey(alice, here).key).toBe(key);
    expect(deriveOwnerKey(alice, { ...browserPlatform, room: LOBBY }).key).toBe(key);
  });

  test('the owner key differs from the identity, between rooms, and between identities', () => {
    const keys = [
      alice,
      deriveOwnerKey(alice, here),
      deriveOwnerKey(alice, { ...here, room: CELLAR }),
      deriveOwnerKey(createIdentity(), here),
    ].map(({ key }) => key);
    expect(new Set(keys).size).toBe(keys.length);
  });

  test('the owner key signs', () => {
    const { key, sign } = deriveOwnerKey(alice, here);
    const message = encodeText('hello');
    expect(nodePlatform.verify(key, message, sign(message))).toBe(true);
  });

  test('deriveOwnerKey signs a text that is not a message', () => {
    const signed: string[] = [];
    deriveOwnerKey(
      { ...alice, sign: (message) => (signed.push(Buffer.from(message).toString()), alice.sign(message)) },
      here,
    );
    expect(signed).toStrictEqual([`rxchat/1 owner seed\n${LOBBY}`]);
  });
});
