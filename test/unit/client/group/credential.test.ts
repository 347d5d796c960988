import { describe, expect, test } from '@jest/globals';
import {
  createDevice,
  MAX_LABEL_BYTES,
  parseCredential,
} from '../../../../streams/client/group/credential.js';
import { toBase64url } from '../../../../streams/wire/encoding.js';
import { deviceOf, ed25519, identityOf } from '../../../support/group/devices.js';

const key = ed25519.signingKey(new Uint8Array(32).fill(9));
const alice = identityOf(1);
const device = createDevice(key, alice, 'Rechner ü');

describe('a credential', () => {
  test('names the identity, the device and the label', () => {
    expect(parseCredential(device.credential, key.publicKey, ed25519)).toStrictEqual({
      identity: alice.key,
      device: toBase64url(key.publicKey),
      label: 'Rechner ü',
    });
    expect(device.sign(Uint8Array.of(1))).toStrictEqual(key.sign(Uint8Array.of(1)));
  });

  test('is valid for its device only', () => {
    expect(parseCredential(device.credential, deviceOf(2).publicKey, ed25519)).toBeUndefined();
  });

  test('is refused if another identity signed it', () => {
    const impostor = { key: alice.key, sign: identityOf(2).sign };
    const { credential } = createDevice(key, impostor, 'laptop');
    expect(parseCredential(credential, key.publicKey, ed25519)).toBeUndefined();
  });

  test('is refused with any byte changed, and cut short anywhere', () => {
    for (let at = 0; at < device.credential.length; at += 1) {
      const changed = device.credential.slice();
      changed[at]! ^= 1;
      expect(parseCredential(changed, key.publicKey, ed25519)).toBeUndefined();
      expect(parseCredential(device.credential.slice(0, at), key.publicKey, ed25519)).toBeUndefined();
    }
  });

  test('is refused with a label that is too long or not UTF-8, even if it is signed', () => {
    const label = 'x'.repeat(MAX_LABEL_BYTES);
    expect(parseCredential(createDevice(key, alice, label).credential, key.publicKey, ed25519)?.label).toBe(
      label,
    );
    expect(() => createDevice(key, alice, `${label}x`)).toThrow(TypeError);
    const always = { verify: () => true };
    const signed = (bytes: number[]) => Uint8Array.of(1, ...new Uint8Array(96), ...bytes);
    expect(parseCredential(signed([0x61]), key.publicKey, always)?.label).toBe('a');
    expect(parseCredential(signed([0xff]), key.publicKey, always)).toBeUndefined();
    expect(parseCredential(signed(Array<number>(65).fill(0x61)), key.publicKey, always)).toBeUndefined();
  });
});
