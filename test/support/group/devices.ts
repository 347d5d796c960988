import { signingKey } from '../../../src/crypto/nodeKeys.js';
import { verifySignature } from '../../../src/crypto/nodeVerify.js';
import type { Identity } from '../../../streams/client/envelope/identity.js';
import { createDevice } from '../../../streams/client/group/credential.js';
import type { SignatureScheme } from '../../../streams/client/group/cryptoSuite.js';
import type { Device, Member } from '../../../streams/client/group/engine.js';
import { fromBase64url, toBase64url } from '../../../streams/wire/encoding.js';

/** Ed25519 of `node:crypto`, from the keys of the rest of the project. */
export const ed25519: SignatureScheme = {
  signingKey: (seed) => {
    const { key, sign } = signingKey(seed);
    return { publicKey: fromBase64url(key)!, sign: (message) => fromBase64url(sign(message))! };
  },
  verify: (publicKey, message, signature) =>
    verifySignature(toBase64url(publicKey), message, toBase64url(signature)),
};

/** The identity of a person; another mark is another person. */
export const identityOf = (mark: number): Identity => signingKey(new Uint8Array(32).fill(mark));

/** A device of the person of a mark. */
export const deviceOf = (mark: number, label = 'laptop'): Device =>
  createDevice(ed25519.signingKey(new Uint8Array(32).fill(100 + mark)), identityOf(mark), label);

/** The person of a mark as the member of a leaf. */
export const memberOf = (leaf: number, mark: number, label = 'laptop'): Member => ({
  leaf,
  identity: identityOf(mark).key,
  device: toBase64url(deviceOf(mark, label).publicKey),
  label,
});
