import { sha512 } from '@noble/hashes/sha2.js';
import { safetyNumberBy } from '../identity/safetyDigits.js';

/** The number that two people compare; that of `rxchat`, computed in JavaScript. */
export const safetyNumber: (one: string, other: string) => string = safetyNumberBy((one, other) =>
  sha512.create().update(one).update(other).digest(),
);
