import { defer, isObservable, map, NEVER, type Observable, of, type OperatorFunction, pipe } from 'rxjs';
import type { Token } from '../../streams/client/cipher.js';
import { conversation, type ConversationOptions, type Heard } from '../../streams/client/conversation.js';
import { encodeEnvelope } from '../../streams/client/envelope.js';
import type { Said } from '../../streams/client/outbox.js';
import type { Say } from '../../streams/client/seal.js';
import { toBase64url } from '../../streams/wire/base64url.js';
import type { Connection } from '../../streams/wire/connection.js';
import { fakeCipher, keyOf, ringOf } from './fakeCipher.js';
import { LOBBY, PROOF, SESSION } from './wire.js';

/** What alice's envelopes say of this run of hers; the relay does not know it. */
export const RUN: string = toBase64url(new Uint8Array(16).fill(5));

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
  cipher: fakeCipher,
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
  {
    nick = 'alice',
    session = RUN,
    counter = 1,
    key = 1,
  }: { nick?: string; session?: string; counter?: number; key?: number } = {},
): Token =>
  fakeCipher.seal(keyOf(key), encodeEnvelope({ nick, session, counter, time: 0, lines: [...lines] }), 0);

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
    case 'joined':
    case 'left':
      return `${heard.position} ${heard.type} ${heard.nicks.join(' ')}`;
    case 'undecryptable':
      return `${heard.position} ${heard.reason}`;
    case 'repeated':
      return `${heard.position} repeated`;
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
