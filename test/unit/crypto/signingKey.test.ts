import { describe, expect, test } from '@jest/globals';
import { createIdentity, signingKey } from '../../../src/crypto/nodeKeys.js';
import { verifySignature } from '../../../src/crypto/nodeVerify.js';

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));
const text = (hex: string) => Buffer.from(hex, 'hex').toString('base64url');

/** RFC 8032, section 7.1, tests 1 and 2. */
const VECTORS: [string, string, string, string][] = [
  [
    '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    '',
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  ],
  [
    '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    '72',
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  ],
];

describe('a signing key', () => {
  test.each(VECTORS)('equals the key of RFC 8032: %s', (seed, key, message, signature) => {
    const one = signingKey(bytes(seed));
    expect(one.key).toBe(text(key));
    expect(one.sign(bytes(message))).toBe(text(signature));
    expect(verifySignature(one.key, bytes(message), text(signature))).toBe(true);
  });

  test('differs for each identity, and needs a seed of 32 bytes', () => {
    expect(createIdentity().key).not.toBe(createIdentity().key);
    expect(() => signingKey(new Uint8Array(31))).toThrow(TypeError);
  });

  test('verifies no other message, key or signature, and malformed input does not throw', () => {
    const { key, sign } = createIdentity();
    const message = bytes('00');
    const signature = sign(message);
    expect(verifySignature(key, message, signature)).toBe(true);
    expect(verifySignature(key, bytes('01'), signature)).toBe(false);
    expect(verifySignature(createIdentity().key, message, signature)).toBe(false);
    for (const wrong of ['', 'x', `${signature}A`, signature.slice(1), '€'.repeat(86)]) {
      expect(verifySignature(key, message, wrong)).toBe(false);
      expect(verifySignature(wrong, message, signature)).toBe(false);
    }
  });

  test('verifies the same after the key cache evicted it', () => {
    const clients = Array.from({ length: 300 }, createIdentity);
    for (let round = 0; round < 2; round += 1)
      for (const { key, sign } of clients)
        expect(verifySignature(key, bytes('00'), sign(bytes('00')))).toBe(true);
  });
});
