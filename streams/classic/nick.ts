import { ProtocolError } from '../wire/errors.js';
import { NICK_LIMIT } from '../wire/nick.js';

/**
 * A nick of the old wire without the white space around it, or a `ProtocolError` that says what is wrong with it. It may
 * have spaces inside, and is shown to others as it is: so it has no controls, nothing invisible and nothing
 * bidirectional. It has no `: `, which ends the nick within a message.
 */
export const checkClassicNick = (given: string): string => {
  const nick = given.trim();
  if (nick === '') throw new ProtocolError('nick-empty', 'the nick is empty');
  if (Array.from(nick).length > NICK_LIMIT)
    throw new ProtocolError('nick-too-long', `the nick is longer than ${NICK_LIMIT} characters`);
  if (/(?! )[\p{Z}\p{C}\u115f\u1160\u2800\u3164\uffa0]/u.test(nick) || nick.includes(': '))
    throw new ProtocolError('nick-invalid', 'the nick has a control, an invisible character or ": "');
  return nick;
};
