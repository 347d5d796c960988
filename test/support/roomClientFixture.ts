import { defer, isObservable, map, NEVER, type Observable, of, type OperatorFunction, pipe } from 'rxjs';
import type { Cipher, Token } from '../../streams/client/envelope/cipher.js';
import { roomClient, type RoomClientOptions } from '../../streams/client/roomClient.js';
import type { ClientEvent } from '../../streams/client/clientEvent.js';
import { decodeEnvelope, encodeEnvelope, type Envelope } from '../../streams/client/envelope/envelope.js';
import type { QueuedMessage } from '../../streams/client/send/outbox.js';
import type { OutgoingMessage } from '../../streams/client/send/seal.js';
import type { Connection } from '../../streams/wire/connection.js';
import { fakeCipher, fakeKey, fakeKeyring } from './fakeCipher.js';
import { ALICE, BOB, envelope, fakeHash, fakeVerify, senderSessionOf } from './envelopes.js';
import { LOBBY, PROOF, SESSION } from './wire.js';

/** The session in alice's envelopes of this run. The relay does not know it. */
export const SENDER_SESSION: string = senderSessionOf(5);

/**
 * Removes `seen` and `stored` from envelopes, so that a drawing can name a token before it exists. Other tests cover
 * both.
 */
const terseCipher: Cipher = {
  ...fakeCipher,
  seal: (key, plaintext, time) => {
    const each = decodeEnvelope(plaintext)!;
    const terse = { ...each, stored: 0, seen: undefined };
    return fakeCipher.seal(key, encodeEnvelope(terse, each.key === BOB.key ? BOB : ALICE), time);
  },
};

/** Returns the options of alice's client, without secrets and randomness. */
export const roomClientOptions = (
  connect: Connection | Observable<Connection>,
  more: Partial<RoomClientOptions> = {},
): RoomClientOptions => ({
  connect$: isObservable(connect) ? connect : of(connect),
  nick: 'alice',
  room: LOBBY,
  session: SESSION,
  senderSession: SENDER_SESSION,
  sign: () => PROOF,
  identity: more.nick === 'bob' ? BOB : ALICE,
  verify: fakeVerify,
  hash: fakeHash,
  knownKeys: new Map([
    ['alice', ALICE.key],
    ['bob', BOB.key],
  ]),
  cipher: terseCipher,
  keyring$: of(fakeKeyring(1)),
  now: () => 0,
  ...more,
});

/** Connects to each relay in order, one per attempt. After the last one, no attempt connects. */
export const inSequence = (...ways: (Connection | Observable<Connection>)[]): Observable<Connection> => {
  const left = [...ways];
  return defer(() => {
    const way = left.shift() ?? NEVER;
    return isObservable(way) ? way : of(way);
  });
};

/** Returns the token of a member's `counter`-th envelope. */
export const tokenOf = (
  lines: readonly string[],
  { nick = 'alice', key: fernet = 1, ...more }: Partial<Omit<Envelope, 'key'>> & { key?: number } = {},
): Token => {
  const identity = nick === 'alice' ? ALICE : BOB;
  const each = envelope({ nick, lines, key: identity.key, ...more });
  return fakeCipher.seal(fakeKey(fernet), encodeEnvelope(each, identity), 0);
};

/** Returns a message that an earlier run or this one has queued. */
export const queuedMessage = (
  lines: readonly string[],
  who?: Parameters<typeof tokenOf>[1],
): QueuedMessage => {
  const token = tokenOf(lines, who);
  return { type: 'queued', lines, token, bytes: token.length + 1 };
};

/** Describes an event in a few words. */
export const describeClientEvent = (event: ClientEvent): string => {
  switch (event.type) {
    case 'message':
      return `${event.position}.${event.index} ${event.nick}${event.own ? ' (own)' : ''}: ${event.text}`;
    case 'queued':
      return `said ${event.lines.join('|')}`;
    case 'stored':
      return `stored ${event.position ?? 'somewhere'} ${event.lines.join('|')}`;
    case 'send-failed':
      return `not said: ${event.error.message}`;
    case 'joined':
    case 'left':
      return `${event.position} ${event.type} ${event.nicks.join(' ')}`;
    case 'undecryptable':
      return `${event.position} ${event.reason}`;
    case 'duplicate':
      return `${event.position} repeated`;
    case 'alarm':
      return `${event.position} alarm: ${event.reason}`;
    case 'first-seen':
    case 'key-changed':
      return `${event.position} ${event.type}: ${event.nick}`;
    case 'log-changed':
      return `log-changed ${event.log}`;
    case 'gap':
      return `gap ${event.from}-${event.to}`;
    case 'offline':
      return `offline ${event.attempt}, ${event.retryMs} ms: ${event.reason}`;
    default:
      return event.type;
  }
};

/** Creates a client for drawings, whose events are descriptions. */
export const roomClientFixture = (
  connect: Connection | Observable<Connection>,
  more?: Partial<RoomClientOptions>,
): OperatorFunction<OutgoingMessage, string> =>
  pipe(roomClient(roomClientOptions(connect, more)), map(describeClientEvent));
