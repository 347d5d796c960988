import { ProtocolError } from './errors.js';

/** Maximum length of a nick in characters (code points). */
export const MAX_NICK_LENGTH = 32;

/**
 * Returns a valid nick unchanged, or throws a `ProtocolError` with the reason why it is invalid.
 *
 * A nick is one word of at most 32 characters. It has no white space and no control, invisible or bidirectional characters
 * (Unicode Z, C). It has no comma, which separates nicks in a list, and no leading `*`, which marks a count.
 */
export const validateNick = (nick: string): string => {
  if (nick === '') throw new ProtocolError('nick-empty', 'the nick is empty');
  if (Array.from(nick).length > MAX_NICK_LENGTH)
    throw new ProtocolError('nick-too-long', `the nick is longer than ${MAX_NICK_LENGTH} characters`);
  if (/[\p{Z}\p{C}\u115f\u1160\u2800\u3164\uffa0]/u.test(nick))
    throw new ProtocolError('nick-invalid', 'the nick has a space, a control or an invisible character');
  if (nick.includes(',') || nick.startsWith('*'))
    throw new ProtocolError('nick-invalid', 'the nick has a comma, or begins with *');
  return nick;
};

/** Folds compatibility forms and case, so that nicks which look the same compare equal. */
export const foldNick = (nick: string): string => nick.normalize('NFKC').toLowerCase();

/** Maximum number of nicks that a client tracks per room, since a relay can announce any number. */
export const MAX_TRACKED_NICKS = 5000;

/**
 * Returns whether a nick sent by a relay is valid in any version of Unicode.
 *
 * Characters that are unassigned in the Unicode version of this platform count as letters.
 */
export const isNick = (nick: string): boolean =>
  nick !== '' &&
  nick.length <= 2 * MAX_NICK_LENGTH &&
  Array.from(nick).length <= MAX_NICK_LENGTH &&
  !/[\p{Z}\p{Cc}\p{Cf}\p{Cs}\p{Co}\u115f\u1160\u2800\u3164\uffa0,]/u.test(nick) &&
  !nick.startsWith('*');

/** Adds the valid nicks of a relay's list to a set of at most `MAX_TRACKED_NICKS`. */
export const addNicks = (to: Set<string>, nicks: readonly string[]): void => {
  for (const nick of nicks) {
    if (to.size >= MAX_TRACKED_NICKS) return;
    // A copy, since V8 retains the whole line for a substring.
    if (isNick(nick)) to.add(Array.from(nick).join(''));
  }
};
