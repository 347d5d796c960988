import { encodeText, fromBase64url } from '../../streams/wire/index.js';

/** How often each key is hashed, so that to look for a key with a number like another one's costs more. */
const ROUNDS = 5200;

const LABEL = encodeText('rxchat/1 safety number\n');
const KEY_BYTES = 32;
const GROUPS_EACH = 6;
const GROUP_BYTES = 5;

/** SHA-512 of two texts, one behind the other. */
export type Hash512 = (one: Uint8Array, other: Uint8Array) => Uint8Array;

/** Makes `safetyNumber` of a platform's SHA-512. */
export const safetyNumberBy = (hash: Hash512): ((one: string, other: string) => string) => {
  const half = (key: string): string => {
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
  return (one, other) => [half(one), half(other)].sort().join(' ');
};
