import { randomText } from '../crypto/random.js';

/** Random bytes in it: so many that two of one name do not meet in a room, however many come and go. */
const RANDOM = 6;
/** Of its name, in characters: with the rest it is no longer than a nick may be. */
const NAME = 23;

/**
 * A nick for one run of a program that nobody gave one: a name, `~` and eight random characters. Who it is, its key tells;
 * as a name it is never seen again, so nobody remembers it.
 */
export const transientNick = (name: string): string =>
  `${Array.from(name).slice(0, NAME).join('')}~${randomText(RANDOM)}`;

/** Whether a nick is of that form, whoever made it. */
export const isTransientNick = (nick: string): boolean => /.~[\w-]{8}$/u.test(nick);
