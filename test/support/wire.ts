import type { Announced } from '../../streams/relay/presence.js';
import type { Command, Member } from '../../streams/relay/commands.js';
import type { Attendance } from '../../streams/relay/rollCall.js';
import type { RelayEvent } from '../../streams/relay/relay.js';
import type { TurnedAway } from '../../streams/relay/admission.js';
import { toBase64url } from '../../streams/wire/base64url.js';
import { announcementLine } from '../../streams/wire/entry.js';
import { greetingLine, type Hello, helloLine, type RoomName } from '../../streams/wire/handshake.js';
import type { Lines } from '../../streams/wire/lines.js';
import type { Verify } from '../../streams/wire/signature.js';
import { decodeTextLossy, encodeText } from '../../streams/wire/utf8.js';
import { fakeConnection } from './fakeConnection.js';

const filled = (length: number, byte: number): string => toBase64url(new Uint8Array(length).fill(byte));

export const nonce = (): Uint8Array => new Uint8Array(32).fill(7);
export const NONCE: string = toBase64url(nonce());
export const LOBBY: RoomName = filled(32, 1) as RoomName;
export const CELLAR: RoomName = filled(32, 2) as RoomName;

/** The one proof that holds, whatever it is said to sign. */
export const PROOF: string = filled(64, 4);
export const verify: Verify = (_room, _message, signature) => signature === PROOF;

/** A session for each nick, since a session that joins again takes over. */
export const sessionOf = (nick: string): string => {
  const session = new Uint8Array(16);
  for (const [n, byte] of encodeText(nick).entries()) session[n % 16]! += byte;
  return toBase64url(session);
};
/** Alice's. */
export const SESSION: string = sessionOf('alice');

/** Lines as they stand on the wire. */
export const bytes = (...lines: string[]): Uint8Array =>
  encodeText(lines.map((line) => `${line}\n`).join(''));
export const batch = (...lines: string[]): Lines => ({ bytes: bytes(...lines), count: lines.length });
export const textOf = (lines: Uint8Array): string[] => decodeTextLossy(lines).split('\n').slice(0, -1);

export const hello = (nick: string, more: Partial<Hello> = {}): string =>
  helloLine({ nick, room: LOBBY, session: sessionOf(nick), proof: PROOF, ...more });

/** The shortest line of the shape of a token, with something to tell it by. */
export const token = (mark: string): string => `gAAAA${mark.padEnd(95, '_')}`;

const X = token('x');
const Y = token('y');
const Z = token('z');

/** What clients say in drawings: joins in capitals, tokens x y z, `?` where a token is due and none is. */
export const said: Record<string, Uint8Array> = {
  A: bytes(hello('alice')),
  B: bytes(hello('bob')),
  C: bytes(hello('carol')),
  x: bytes(X),
  y: bytes(Y),
  z: bytes(Z),
  p: bytes('PING 0'),
  q: bytes('BYE'),
  '?': bytes('GAP 1 2'),
};

/** What clients hear in drawings: the greeting N, welcome W, announcements by initial, tokens x y z, Q for BYE. */
export const heard: Record<string, string> = {
  N: greetingLine(NONCE),
  W: 'WELCOME',
  A: '+alice',
  B: '+bob',
  C: '+carol',
  a: '-alice',
  b: '-bob',
  c: '-carol',
  x: X,
  y: Y,
  z: Z,
  Q: 'BYE shutdown 1000',
};

/**
 * What the relay tells of it in drawings: who joined J K L, who departed j k l, announcements as they are heard; x y are
 * alice's, z is bob's.
 */
export const happened: Record<string, string> = {
  J: 'alice joined',
  K: 'bob joined',
  L: 'carol joined',
  j: 'alice departed',
  k: 'bob departed',
  l: 'carol departed',
  A: '+alice',
  B: '+bob',
  C: '+carol',
  a: '-alice',
  b: '-bob',
  c: '-carol',
  x: 'alice stored 1',
  y: 'alice stored 1',
  z: 'bob stored 1',
};

export const member = (
  nick: string,
  { connection = fakeConnection(), ...more }: Partial<Member> = {},
): Member => ({
  nick,
  room: LOBBY,
  session: sessionOf(nick),
  after: undefined,
  last: undefined,
  connection,
  flow: connection,
  ...more,
});

/** What happened, in a few words. */
export const tell = (event: RelayEvent | Command | TurnedAway | Attendance | Announced): string => {
  switch (event.type) {
    case 'announced':
      return announcementLine(event.announcement);
    case 'turned-away':
      return `turned-away: ${event.reason}`;
    case 'room-failed':
      return `room-failed: ${event.reason}`;
    case 'not-stored':
      return `not-stored: ${event.reason}`;
    case 'joined':
      return `${event.member.nick} ${event.returned ? 'returned' : 'joined'}`;
    case 'stored':
      return `${event.member.nick} stored ${event.count}`;
    case 'refused':
      return `${event.member.nick} refused: ${event.code}`;
    case 'tokens':
      return `${event.member.nick}: ${textOf(event.lines.bytes).map(markOf).join(' ')}`;
    case 'leave':
    case 'left':
    case 'failed':
      return `${event.member.nick} ${event.type}: ${event.reason}`;
    default:
      return `${event.member.nick} ${event.type}`;
  }
};

const markOf = (line: string): string => line.replace(/^gAAAA(\w*?)_*$/, '$1');
