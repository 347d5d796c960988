import { map, of, type OperatorFunction, pipe } from 'rxjs';
import type { Token } from '../../streams/client/cipher.js';
import { conversation, type ConversationOptions, type Heard } from '../../streams/client/conversation.js';
import { encodeEnvelope } from '../../streams/client/envelope.js';
import type { Say } from '../../streams/client/seal.js';
import type { Connection } from '../../streams/wire/connection.js';
import { fakeCipher, keyOf, ringOf } from './fakeCipher.js';
import { LOBBY, PROOF, SESSION } from './wire.js';

/** What alice has on her; without secrets and without chance. */
export const belongings = (
  connection: Connection,
  more: Partial<ConversationOptions> = {},
): ConversationOptions => ({
  connection,
  nick: 'alice',
  room: LOBBY,
  session: SESSION,
  sign: () => PROOF,
  cipher: fakeCipher,
  keyring$: of(ringOf(1)),
  now: () => 0,
  ...more,
});

/** The token that somebody's `counter`-th envelope becomes. */
export const tokenOf = (
  lines: readonly string[],
  {
    nick = 'alice',
    session = SESSION,
    counter = 1,
    key = 1,
  }: { nick?: string; session?: string; counter?: number; key?: number } = {},
): Token =>
  fakeCipher.seal(keyOf(key), encodeEnvelope({ nick, session, counter, time: 0, lines: [...lines] }), 0);

/** What was heard, in a few words. */
export const tellHeard = (heard: Heard): string => {
  switch (heard.type) {
    case 'message':
      return `${heard.position}.${heard.index} ${heard.nick}${heard.own ? ' (own)' : ''}: ${heard.text}`;
    case 'said':
      return `said ${heard.lines.join('|')}`;
    case 'stored':
      return `stored ${heard.position ?? 'somewhere'} ${heard.lines.join('|')}`;
    case 'joined':
    case 'left':
      return `${heard.position} ${heard.type} ${heard.nicks.join(' ')}`;
    case 'undecryptable':
      return `${heard.position} ${heard.reason}`;
    case 'gap':
      return `gap ${heard.from}-${heard.to}`;
    default:
      return heard.type;
  }
};

/** A conversation for drawings. */
export const talking = (
  connection: Connection,
  more?: Partial<ConversationOptions>,
): OperatorFunction<Say, string> => pipe(conversation(belongings(connection, more)), map(tellHeard));
