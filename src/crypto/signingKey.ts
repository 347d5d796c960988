import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { Identity } from '../../streams/client/index.js';
import { toBase64url } from '../../streams/wire/index.js';

/** DER before a raw Ed25519 private key (RFC 8410), which is how `node:crypto` takes one. */
const PRIVATE_DER = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Bytes of the seed that an Ed25519 key pair is made of. */
const SEED_BYTES = 32;

/** The Ed25519 key pair (RFC 8032) of a seed of 32 bytes. */
export const signingKey = (seed: Uint8Array): Identity => {
  if (seed.length !== SEED_BYTES)
    throw new TypeError(`the seed of a key has ${SEED_BYTES} bytes, not ${seed.length}`);
  const der = Buffer.concat([PRIVATE_DER, seed]);
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  der.fill(0);
  return identityOf(privateKey);
};

/** An Ed25519 private key as the person whose it is. */
export const identityOf = (privateKey: KeyObject): Identity => ({
  key: createPublicKey(privateKey).export({ format: 'jwk' }).x ?? '',
  sign: (message) => toBase64url(sign(null, message, privateKey)),
});

/** A new person, as far as rooms can tell. */
export const createIdentity = (): Identity => identityOf(generateKeyPairSync('ed25519').privateKey);
