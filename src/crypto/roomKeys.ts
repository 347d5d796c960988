import { asFernetKey, type FernetKey, type Identity } from '../../streams/client/index.js';
import type { RoomName } from '../../streams/wire/index.js';

/** Length of a room secret in bytes. */
export const SECRET_BYTES = 32;

/** The keys derived from the secret of an invite: the room name, its Fernet key and its signing key. */
export interface RoomKeys {
  readonly room: RoomName;
  readonly fernetKey: FernetKey;
  /** Signs with the Ed25519 key (RFC 8032) of the room; returns base64url. */
  readonly sign: (message: Uint8Array) => string;
}

/** Length of the seed of an Ed25519 key pair, in bytes. */
export const SEED_BYTES = 32;

/** Throws a `TypeError` if a seed has another length. */
export const checkSeed = (seed: Uint8Array): void => {
  if (seed.length !== SEED_BYTES)
    throw new TypeError(`the seed of a key has ${SEED_BYTES} bytes, not ${seed.length}`);
};

/**
 * Creates `deriveRoomKeys` from the HKDF-SHA256 (RFC 5869) and the Ed25519 of a platform. It derives the keys of a
 * room from its 32-byte secret, without salt and with one label per key.
 */
export const createDeriveRoomKeys =
  (
    hkdf: (secret: Uint8Array, label: string) => Uint8Array,
    signingKey: (seed: Uint8Array) => Identity,
  ): ((secret: Uint8Array) => RoomKeys) =>
  (secret) => {
    const { key, sign } = signingKey(hkdf(secret, 'rxchat/1 room signing key'));
    return {
      room: key as RoomName,
      fernetKey: asFernetKey(hkdf(secret, 'rxchat/1 room fernet key')),
      sign,
    };
  };

/** Cost parameters of scrypt (RFC 7914): 2^logN rounds of r blocks of 128 bytes, p times. */
export interface ScryptCost {
  readonly logN: number;
  readonly r: number;
  readonly p: number;
}

/** Default cost: 128 MiB and about half a second. */
export const DEFAULT_SCRYPT_COST: ScryptCost = { logN: 17, r: 8, p: 1 };

/** Formats a cost as `scrypt-17-8-1`. */
export const formatKdf = ({ logN, r, p }: ScryptCost): string => `scrypt-${logN}-${r}-${p}`;

/**
 * Parses `scrypt-17-8-1`, or returns `undefined` for other texts and unsafe costs. A lower cost would make
 * guessing cheap, a higher one would exhaust the memory. Accepts N from 2^17 to 2^19, r 8 and p from 1 to 4.
 */
export const parseKdf = (text: string): ScryptCost | undefined => {
  const [, logN, p] = /^scrypt-(1[789])-8-([1-4])$/.exec(text) ?? [];
  return logN === undefined || p === undefined ? undefined : { logN: Number(logN), r: 8, p: Number(p) };
};

/** Normalizes a passphrase (NFKC) and trims it, so that different machines produce the same bytes. */
export const normalizePassphrase = (passphrase: string): string => passphrase.normalize('NFKC').trim();

/** Derives the 32 bytes of a room secret from a normalized passphrase and a salt, by scrypt. */
export type DeriveKey = (passphrase: string, salt: string, cost: ScryptCost) => Promise<Uint8Array>;
