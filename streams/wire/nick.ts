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

/** More nicks than this nobody keeps of a room: a relay can announce as many as it likes. */
export const NICKS_LIMIT = 5000;

/**
 * Whether a nick that a relay names can be that of a member, as a relay of any Unicode version has it: characters that this
 * version does not know count as letters.
 */
export const isNick = (nick: string): boolean =>
  nick !== '' &&
  nick.length <= 2 * NICK_LIMIT &&
  Array.from(nick).length <= NICK_LIMIT &&
  !/[\p{Z}\p{Cc}\p{Cf}\p{Cs}\p{Co}\u115f\u1160\u2800\u3164\uffa0,]/u.test(nick) &&
  !nick.startsWith('*');

/** Adds nicks that a relay names to those of a room, as far as they are nicks and there is room for them. */
export const addNicks = (to: Set<string>, nicks: readonly string[]): void => {
  for (const nick of nicks) {
    if (to.size >= NICKS_LIMIT) return;
    // A copy: a part of a line would keep the whole line in memory.
    if (isNick(nick)) to.add(Array.from(nick).join(''));
  }
};
