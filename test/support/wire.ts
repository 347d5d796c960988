import type { Announced } from '../../streams/relay/members/presence.js';
import type { MemberCommand, Member } from '../../streams/relay/connection/parseCommands.js';
import type { MemberEvent } from '../../streams/relay/members/members.js';
import type { RelayEvent } from '../../streams/relay/relay.js';
import type { ConnectionRejected } from '../../streams/relay/connection/connectionLimits.js';
import { decodeTextLossy, encodeText, toBase64url } from '../../streams/wire/encoding.js';
import { formatAnnouncement } from '../../streams/wire/entry.js';
import {
  formatGreeting,
  formatHello,
  type Hello,
  type RoomName,
  type Verify,
} from '../../streams/wire/handshake.js';
import type { Lines } from '../../streams/wire/lines.js';
import { fakeConnection } from './fakeConnection.js';

const base64urlOf = (length: number, byte: number): string => toBase64url(new Uint8Array(length).fill(byte));

export const nonce = (): Uint8Array => new Uint8Array(32).fill(7);
export const NONCE: string = toBase64url(nonce());
export const LOBBY: RoomName = base64urlOf(32, 1) as RoomName;
export const CELLAR: RoomName = base64urlOf(32, 2) as RoomName;

/** The only valid proof, whatever message it signs. */
export const PROOF: string = base64urlOf(64, 4);
export const verify: Verify = (_room, _message, signature) => signature === PROOF;

/** Returns a session per nick, since a session that joins again takes over. */
export const sessionOf = (nick: string): string => {
  const session = new Uint8Array(16);
  for (const [n, byte] of encodeText(nick).entries()) session[n % 16]! += byte;
  return toBase64url(session);
};
/** Alice's session. */
export const SESSION: string = sessionOf('alice');

/** Returns lines as bytes of the wire. */
export const bytes = (...lines: string[]): Uint8Array =>
  encodeText(lines.map((line) => `${line}\n`).join(''));
export const batch = (...lines: string[]): Lines => ({ bytes: bytes(...lines), count: lines.length });
export const splitLines = (lines: Uint8Array): string[] => decodeTextLossy(lines).split('\n').slice(0, -1);

export const hello = (nick: string, more: Partial<Hello> = {}): string =>
  formatHello({ nick, room: LOBBY, session: sessionOf(nick), proof: PROOF, ...more });

/** Returns the shortest line with the shape of a token, marked so that tests can recognise it. */
export const token = (mark: string): string => `gAAAA${mark.padEnd(95, '_')}`;

const X = token('x');
const Y = token('y');
const Z = token('z');

/** Bytes from clients in drawings: joins in capitals, tokens x y z, `?` for a line that is not a token. */
export const clientBytes: Record<string, Uint8Array> = {
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

/** Lines from the relay in drawings: the greeting N, welcome W, announcements by initial, tokens x y z, Q for BYE. */
export const relayLines: Record<string, string> = {
  N: formatGreeting(NONCE),
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
 * Events of the relay in drawings: joins J K L, leaves j k l, announcements A B C a b c. The tokens x y are alice's,
 * z is bob's.
 */
export const relayEvents: Record<string, string> = {
  J: 'alice joined',
  K: 'bob joined',
  L: 'carol joined',
  j: 'alice left',
  k: 'bob left',
  l: 'carol left',
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
  readControl: connection,
  ...more,
});

/** Describes an event in a few words. */
export const describeEvent = (
  event: RelayEvent | MemberCommand | ConnectionRejected | MemberEvent | Announced,
): string => {
  switch (event.type) {
    case 'announced':
      return formatAnnouncement(event.announcement);
    case 'rejected':
      return `rejected: ${event.reason}`;
    case 'sampled': {
      const { connections, rooms, members, slowReaders, sentEntries, skippedEntries, windowBytes } = event;
      const load = { connections, rooms, members, slowReaders, sentEntries, skippedEntries, windowBytes };
      return JSON.stringify(load).replaceAll('"', '');
    }
    case 'room-failed':
      return `room-failed: ${event.reason}`;
    case 'room-removed': {
      const { connections, entries } = event;
      return `room-removed: ${connections} connections, ${entries} entries`;
    }
    case 'room-not-removed':
      return `room-not-removed: ${event.reason}`;
    case 'not-stored':
      return `not-stored: ${event.reason}`;
    case 'joined':
      return `${event.member.nick} ${event.resumed ? 'resumed' : 'joined'}`;
    case 'stored':
      return `${event.member.nick} stored ${event.count}`;
    case 'refused':
      return `${event.member.nick} refused: ${event.code}`;
    case 'tokens':
      return `${event.member.nick}: ${splitLines(event.lines.bytes).map(tokenMark).join(' ')}`;
    case 'leave':
    case 'disconnected':
    case 'failed':
      return `${event.member.nick} ${event.type}: ${event.reason}`;
    default:
      return `${event.member.nick} ${event.type}`;
  }
};

const tokenMark = (line: string): string => line.replace(/^gAAAA(\w*?)_*$/, '$1');
