import { randomText } from '../crypto/random.js';

/** Number of random bytes, enough to avoid collisions of one name in a room. */
const RANDOM_BYTES = 6;
/** Maximum length of the name in characters, so that the nick stays within the limit. */
const MAX_NAME_LENGTH = 23;

/**
 * Creates a nick for one run of a program without a nick: a name, `~` and eight random characters. It never
 * appears again, so clients do not remember it.
 */
export const createTransientNick = (name: string): string =>
  `${Array.from(name).slice(0, MAX_NAME_LENGTH).join('')}~${randomText(RANDOM_BYTES)}`;

/** Whether a nick has the form of a transient nick. */
export const isTransientNick = (nick: string): boolean => /.~[\w-]{8}$/u.test(nick);
