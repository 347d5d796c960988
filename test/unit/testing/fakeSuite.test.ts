import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { browserPlatform } from '../../../src/browser/index.js';
import { nodePlatform } from '../../../src/index.js';
import { fakeSuite } from '../../../src/testing/fakeSuite.js';
import { createIdentity } from '../../../src/crypto/nodeKeys.js';
import { createDevice, parseCredential } from '../../../streams/client/group/credential.js';
import { fakeIdentity } from '../../../src/testing/fakePlatform.js';

const counting = () => {
  let count = 0;
  return fakeSuite(() => (count += 1));
};
const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
const text = fc.uint8Array({ maxLength: 40 });

describe('the fake suite', () => {
  const suite = counting();

  test('agrees on a shared secret, and on none with a key of zeros', () => {
    fc.assert(
      fc.property(key, key, (one, other) => {
        const { publicKey, sharedSecret } = suite.x25519;
        expect(sharedSecret(one, publicKey(other))).toStrictEqual(sharedSecret(other, publicKey(one)));
      }),
    );
    expect(suite.x25519.sharedSecret(new Uint8Array(32), new Uint8Array(32))).toBeUndefined();
    expect(suite.x25519.sharedSecret(new Uint8Array(32), new Uint8Array(31))).toBeUndefined();
  });

  test('opens what it sealed, and nothing else', () => {
    fc.assert(
      fc.property(key, text, text, (secret, associatedData, plaintext) => {
        const nonce = new Uint8Array(12);
        const sealed = suite.aead.seal(secret, nonce, associatedData, plaintext);
        expect(suite.aead.open(secret, nonce, associatedData, sealed)).toStrictEqual(plaintext);
        for (const changed of [sealed.slice(1), sealed.map((byte, at) => byte ^ (at === 0 ? 1 : 0))])
          expect(suite.aead.open(secret, nonce, associatedData, changed)).toBeUndefined();
      }),
    );
  });

  test('creates different random bytes each time, and the same in each run', () => {
    const [one, other] = [counting(), counting()];
    const first = one.randomBytes(32);
    expect(first).toHaveLength(32);
    expect(one.randomBytes(32)).not.toStrictEqual(first);
    expect(other.randomBytes(32)).toStrictEqual(first);
  });

  test('verifies the credential that a fake identity signed, for this device only', () => {
    const [mine, foreign] = [1, 2].map((seed) => suite.ed25519.signingKey(new Uint8Array(32).fill(seed)));
    const { publicKey, credential } = createDevice(mine!, fakeIdentity(7), 'laptop');
    expect(parseCredential(credential, publicKey, suite.ed25519)).toMatchObject({ label: 'laptop' });
    expect(parseCredential(credential, foreign!.publicKey, suite.ed25519)).toBeUndefined();
  });
});

describe('the suites of the platforms', () => {
  test('verify the credentials of each other', () => {
    const suites = [nodePlatform, browserPlatform].map(({ suite }) => suite());
    for (const maker of suites) {
      const key = maker.ed25519.signingKey(maker.randomBytes(32));
      const { publicKey, credential } = createDevice(key, createIdentity(), 'laptop');
      for (const reader of suites)
        expect(parseCredential(credential, publicKey, reader.ed25519)).toMatchObject({ label: 'laptop' });
    }
  });
});
