import { ed25519 } from '@noble/curves/ed25519.js';
import type { Identity } from '../../streams/client/index.js';
import { toBase64url } from '../../streams/wire/index.js';
import { randomBytes } from '../crypto/random.js';

/** Bytes of the seed that an Ed25519 key pair is made of. */
export const SEED_BYTES = 32;

/** The Ed25519 key pair (RFC 8032) of a seed of 32 bytes. */
export const signingKey = (seed: Uint8Array): Identity => {
  if (seed.length !== SEED_BYTES)
    throw new TypeError(`the seed of a key has ${SEED_BYTES} bytes, not ${seed.length}`);
  const own = Uint8Array.from(seed);
  return {
    key: toBase64url(ed25519.getPublicKey(own)),
    sign: (message) => toBase64url(ed25519.sign(message, own)),
  };
};

/** A new person, as far as rooms can tell. */
export const createIdentity = (): Identity => signingKey(randomBytes(SEED_BYTES));
