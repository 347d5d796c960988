import { createHash } from 'node:crypto';
import { safetyNumberBy } from './safetyDigits.js';

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
export const safetyNumber: (one: string, other: string) => string = safetyNumberBy((one, other) =>
  createHash('sha512').update(one).update(other).digest(),
);
