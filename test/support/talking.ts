import { defer, isObservable, map, NEVER, type Observable, of, type OperatorFunction, pipe } from 'rxjs';
import type { Cipher, Token } from '../../streams/client/cipher.js';
import { conversation, type ConversationOptions, type Heard } from '../../streams/client/conversation.js';
import { decodeEnvelope, encodeEnvelope, type Envelope } from '../../streams/client/envelope.js';
import type { Said } from '../../streams/client/outbox.js';
import type { Say } from '../../streams/client/seal.js';
import type { Connection } from '../../streams/wire/connection.js';
import { fakeCipher, keyOf, ringOf } from './fakeCipher.js';
import { ALICE, BOB, envelope, fakeHash, fakeVerify, runOf } from './people.js';
import { LOBBY, PROOF, SESSION } from './wire.js';

/** What alice's envelopes say of this run of hers; the relay does not know it. */
export const RUN: string = runOf(5);

/**
 * Leaves out of an envelope what was read and what is stored: so a drawing can tell a token before it comes about. What
 * they are for has tests of its own.
 */
const terseCipher: Cipher = {
  ...fakeCipher,
  seal: (key, plaintext, time) => {
    const each = decodeEnvelope(plaintext)!;
    const terse = { ...each, stored: 0, seen: undefined };
    return fakeCipher.seal(key, encodeEnvelope(terse, each.key === BOB.key ? BOB : ALICE), time);
  },
};

/** What alice has on her; without secrets and without chance. */
export const belongings = (
  connect: Connection | Observable<Connection>,
  more: Partial<ConversationOptions> = {},
): ConversationOptions => ({
  connect$: isObservable(connect) ? connect : of(connect),
  nick: 'alice',
  room: LOBBY,
  session: SESSION,
  run: RUN,
  sign: () => PROOF,
  identity: more.nick === 'bob' ? BOB : ALICE,
  verify: fakeVerify,
  hash: fakeHash,
  known: new Map([
    ['alice', ALICE.key],
    ['bob', BOB.key],
  ]),
  cipher: terseCipher,
  keyring$: of(ringOf(1)),
  now: () => 0,
  ...more,
});

/** One way to the relay after the other, each time another one is made; after the last, none. */
export const inTurn = (...ways: (Connection | Observable<Connection>)[]): Observable<Connection> => {
  const left = [...ways];
  return defer(() => {
    const way = left.shift() ?? NEVER;
    return isObservable(way) ? way : of(way);
  });
};

/** The token that somebody's `counter`-th envelope becomes. */
export const tokenOf = (
  lines: readonly string[],
  { nick = 'alice', key: fernet = 1, ...more }: Partial<Omit<Envelope, 'key'>> & { key?: number } = {},
): Token => {
  const identity = nick === 'alice' ? ALICE : BOB;
  const each = envelope({ nick, lines, key: identity.key, ...more });
  return fakeCipher.seal(keyOf(fernet), encodeEnvelope(each, identity), 0);
};

/** What an earlier run said, or this one will. */
export const saidOf = (lines: readonly string[], who?: Parameters<typeof tokenOf>[1]): Said => {
  const token = tokenOf(lines, who);
  return { type: 'said', lines, token, bytes: token.length + 1 };
};

/** What was heard, in a few words. */
export const tellHeard = (heard: Heard): string => {
  switch (heard.type) {
    case 'message':
      return `${heard.position}.${heard.index} ${heard.nick}${heard.own ? ' (own)' : ''}: ${heard.text}`;
    case 'said':
      return `said ${heard.lines.join('|')}`;
    case 'stored':
      return `stored ${heard.position ?? 'somewhere'} ${heard.lines.join('|')}`;
    case 'not-said':
      return `not said: ${heard.error.message}`;
    case 'joined':
    case 'left':
      return `${heard.position} ${heard.type} ${heard.nicks.join(' ')}`;
    case 'undecryptable':
      return `${heard.position} ${heard.reason}`;
    case 'repeated':
      return `${heard.position} repeated`;
    case 'alarm':
      return `${heard.position} alarm: ${heard.reason}`;
    case 'first-sight':
    case 'key-changed':
      return `${heard.position} ${heard.type}: ${heard.nick}`;
    case 'log-changed':
      return `log-changed ${heard.log}`;
    case 'gap':
      return `gap ${heard.from}-${heard.to}`;
    case 'offline':
      return `offline ${heard.attempt}, ${heard.retryMs} ms: ${heard.reason}`;
    default:
      return heard.type;
  }
};

/** A conversation for drawings. */
export const talking = (
  connect: Connection | Observable<Connection>,
  more?: Partial<ConversationOptions>,
): OperatorFunction<Say, string> => pipe(conversation(belongings(connect, more)), map(tellHeard));
