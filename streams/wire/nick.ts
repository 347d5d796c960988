import { ProtocolError } from './errors.js';

/** The longest nick, in characters (code points). */
export const NICK_LIMIT = 32;

/**
 * A nick as it may stand on the wire, or a `ProtocolError` that says what is wrong with it.
 *
 * One word of up to 32 characters: no white space, no controls, nothing invisible or bidirectional (Unicode Z, C), no
 * comma (it separates nicks in a list), and no `*` in front (counts are written so).
 */
export const checkNick = (nick: string): string => {
  if (nick === '') throw new ProtocolError('nick-empty', 'the nick is empty');
  if (Array.from(nick).length > NICK_LIMIT)
    throw new ProtocolError('nick-too-long', `the nick is longer than ${NICK_LIMIT} characters`);
  if (/[\p{Z}\p{C}\u115f\u1160\u2800\u3164\uffa0]/u.test(nick))
    throw new ProtocolError('nick-invalid', 'the nick has a space, a control or an invisible character');
  if (nick.includes(',') || nick.startsWith('*'))
    throw new ProtocolError('nick-invalid', 'the nick has a comma, or begins with *');
  return nick;
};

/** What two nicks have in common that a reader takes for the same: compatibility forms and case folded. */
export const foldNick = (nick: string): string => nick.normalize('NFKC').toLowerCase();
