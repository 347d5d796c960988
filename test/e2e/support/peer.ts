import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createIdentity, deriveRoomKeys, nodeCipher } from '../../../src/index.js';
import {
  type Act,
  encodeEnvelope,
  type Identity,
  type Hello,
  helloLine,
  proofMessage,
  readGreeting,
  toBase64url,
} from '../../../streams/index.js';
import { atEnd } from './endings.js';
import type { Room } from './relay.js';
import { hear, type HearOptions, line, type Said } from './said.js';

/** A client in the raw: what it sees and says are the very bytes of the wire. */
export interface Peer {
  readonly socket: Socket;
  readonly heard: Said;
  /** Resolves when the relay has closed the connection. */
  readonly closed: Promise<unknown>;
  /** Writes lines. */
  say(...lines: readonly string[]): void;
  /** Writes bytes as they are. */
  write(bytes: string | Uint8Array): void;
}

/** Somebody who says something in a room: one session of one person. */
export interface Speaker {
  readonly room: Pick<Room, 'secret'>;
  readonly nick: string;
  readonly identity: Identity;
  readonly run: string;
  readonly nextCounter: () => number;
}

/** A peer that is in. */
export interface MemberPeer extends Peer, Speaker {
  readonly room: Room;
}

/** Connects to a port of this machine. */
export const connectPeer = async (port: number, options?: HearOptions): Promise<Peer> => {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  atEnd(() => socket.destroy());
  const closed = new Promise((resolve) => socket.once('close', resolve));
  const heard = hear(socket, options);
  await once(socket, 'connect');
  return {
    socket,
    heard,
    closed,
    say: (...lines) => void socket.write(lines.map((each) => `${each}\n`).join('')),
    write: (bytes) => void socket.write(bytes),
  };
};

/** The nonce that a peer was asked with. */
export const nonceOf = async ({ heard }: Peer): Promise<string> =>
  readGreeting(await heard.until(({ lines }) => lines[0]));

/** The answer to `NICK` by which somebody with the invite comes in. */
export const helloFor = (
  nonce: string,
  { secret }: Pick<Room, 'secret'>,
  nick: string,
  more: Partial<Hello> = {},
): string => {
  const { room, sign } = deriveRoomKeys(secret);
  const session = toBase64url(randomBytes(16));
  const proof = sign(proofMessage({ nonce, room, session, binding: '', nick }));
  return helloLine({ nick, room, session, proof, ...more });
};

/** Whoever goes by a nick here is the same person each time. */
const people = new Map<string, Identity>();
const personOf = (nick: string): Identity => {
  const person = people.get(nick) ?? createIdentity();
  people.set(nick, person);
  return person;
};

/** A new session of whoever goes by a nick. */
export const speaker = (room: Pick<Room, 'secret'>, nick: string): Speaker => {
  let counter = 0;
  const run = toBase64url(randomBytes(16));
  return { room, nick, identity: personOf(nick), run, nextCounter: () => (counter += 1) };
};

/** Joins a room; resolves once it is in. */
export const joinPeer = async (
  room: Room,
  nick: string,
  { keep, ...more }: HearOptions & Partial<Hello> = {},
): Promise<MemberPeer> => {
  const peer = await connectPeer(room.port, { keep });
  peer.say(helloFor(await nonceOf(peer), room, nick, more));
  await peer.heard.until(line('WELCOME '));
  return { ...speaker(room, nick), ...peer, room };
};

/** All that a peer heard that has a position, once it is in. */
export const entriesOf = ({ heard }: Peer): readonly string[] =>
  heard.lines.filter((each) => /^[g+-]/.test(each));

/** The token of what a peer says, made as a client makes it: signed, and numbered. */
export const seal = (from: Speaker, ...lines: readonly string[]): string => sealAs(from, undefined, ...lines);

/** The same for something that is not simply said. */
export const sealAs = (from: Speaker, act: Act | undefined, ...lines: readonly string[]): string => {
  const { room, fernetKey } = deriveRoomKeys(from.room.secret);
  const { nick, identity, run: session } = from;
  const time = Date.now();
  const counter = from.nextCounter();
  const envelope = { nick, lines, act, room, key: identity.key, session, counter, time, stored: 0 };
  return nodeCipher().seal(fernetKey, encodeEnvelope(envelope, identity), Math.floor(time / 1000));
};

/** A token in every respect, but made under no key; about `size` characters long. */
export const fakeToken = (size = 140): string => {
  const blocks = Math.max(1, Math.floor(((size * 3) / 4 - 57) / 16));
  const bytes = Buffer.concat([Buffer.from([0x80, 0, 0, 0, 0]), randomBytes(52 + 16 * blocks)]);
  return bytes.toString('base64url') + '='.repeat((3 - (bytes.length % 3)) % 3);
};
