import { createHash } from 'node:crypto';
import { fromBase64url } from '../../streams/wire/index.js';

/** How often each key is hashed, so that to look for a key with a number like another one's costs more. */
const ROUNDS = 5200;

const LABEL = Buffer.from('rxchat/1 safety number\n');
const KEY_BYTES = 32;
const GROUPS_EACH = 6;
const GROUP_BYTES = 5;

/**
 * The number that two people compare to know that each has the other's key: 60 digits in 12 groups of 5, the same
 * whichever key comes first. Made as Signal makes its safety numbers, of which each half is one person's. Throws a
 * `TypeError` where a key is not 32 bytes in base64url.
 *
 * @example
 * import { safetyNumber } from 'rxchat';
 *
 * safetyNumber('A'.repeat(43), `${'_'.repeat(42)}8`); // '36173 65863 88325 ...'
 */
export const safetyNumber = (one: string, other: string): string => [half(one), half(other)].sort().join(' ');

const half = (key: string): string => {
  const bytes = fromBase64url(key);
  if (bytes?.length !== KEY_BYTES) throw new TypeError('a key is not 32 bytes in base64url');
  let hash = createHash('sha512').update(LABEL).update(bytes).digest();
  for (let round = 1; round < ROUNDS; round += 1)
    hash = createHash('sha512').update(hash).update(bytes).digest();
  return Array.from({ length: GROUPS_EACH }, (_, at) =>
    String(hash.readUIntBE(at * GROUP_BYTES, GROUP_BYTES) % 100_000).padStart(5, '0'),
  ).join(' ');
};
