import { encodeText, fromBase64url } from '../../streams/wire/index.js';

/** Number of hash rounds per key. They make it expensive to search for a key with a similar number. */
const ROUNDS = 5200;

const LABEL = /* @__PURE__ */ encodeText('rxchat/1 safety number\n');
const KEY_BYTES = 32;
const GROUPS_EACH = 6;
const GROUP_BYTES = 5;

/** Computes the SHA-512 of two concatenated byte arrays. */
type Hash512 = (one: Uint8Array, other: Uint8Array) => Uint8Array;

/** Creates `safetyNumber` from the SHA-512 of a platform. */
export const createSafetyNumber = (hash: Hash512): ((one: string, other: string) => string) => {
  const digitsOf = (key: string): string => {
    const bytes = fromBase64url(key);
    if (bytes?.length !== KEY_BYTES) throw new TypeError('a key is not 32 bytes in base64url');
    let digest = hash(LABEL, bytes);
    for (let round = 1; round < ROUNDS; round += 1) digest = hash(digest, bytes);
    return Array.from({ length: GROUPS_EACH }, (_, at) => {
      const group = digest.subarray(at * GROUP_BYTES, (at + 1) * GROUP_BYTES);
      const number = group.reduce((sum, byte) => sum * 256 + byte, 0);
      return String(number % 100_000).padStart(5, '0');
    }).join(' ');
  };
  return (a, b) => [digitsOf(a), digitsOf(b)].sort().join(' ');
};

/**
 * All encodings of Ed25519 public keys of small order. y is 0, 1, -1 or one of the two of order 8, each with either
 * sign. 0 and 1 are also encoded as p and p + 1. The test smallOrder.test.ts recomputes all of them.
 */
const SMALL_ORDER_KEYS: ReadonlySet<string> = new Set([
  'AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  'AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIA',
  'xxdqcD1N2E-6PAt2DRBnDyogU_osOczGTsf9d5KsA3o',
  'xxdqcD1N2E-6PAt2DRBnDyogU_osOczGTsf9d5KsA_o',
  'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIA',
  'JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_AU',
  'JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_IU',
  '7P_______________________________________38',
  '7P________________________________________8',
  '7v_______________________________________38',
  '7v________________________________________8',
  '7f_______________________________________38',
  '7f________________________________________8',
]);

/**
 * Whether a base64url public key is of small order. Anybody can make valid signatures under such a key, and RFC
 * 8032 leaves open whether to accept them. Node accepts them up to version 22 and rejects them from 24 on.
 * Members have to agree, so all clients reject them.
 */
export const isSmallOrder = (key: string): boolean => SMALL_ORDER_KEYS.has(key);
