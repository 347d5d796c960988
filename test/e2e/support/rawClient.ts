import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createIdentity, deriveRoomKeys, nodeCipher } from '../../../src/index.js';
import { type Act, type Identity, type Hello } from '../../../streams/index.js';
import { encodeEnvelope } from '../../../streams/client/envelope/envelope.js';
import { formatHello, proofMessage, parseGreeting } from '../../../streams/wire/handshake.js';
import { toBase64url } from '../../../streams/wire/encoding.js';
import { onCleanup } from './cleanup.js';
import type { Room } from './relay.js';
import { readStream, type ReadOptions, lineWith, type StreamOutput } from './streamOutput.js';

/** A client that reads and writes the bytes of the wire. */
export interface RawClient {
  readonly socket: Socket;
  readonly output: StreamOutput;
  /** Resolves when the relay has closed the connection. */
  readonly closed: Promise<unknown>;
  /** Writes lines. */
  writeLines(...lines: readonly string[]): void;
  /** Writes bytes as they are. */
  write(bytes: string | Uint8Array): void;
}

/** A sender in a room: one session of one person. */
export interface Sender {
  readonly room: Pick<Room, 'secret'>;
  readonly nick: string;
  readonly identity: Identity;
  readonly session: string;
  readonly nextCounter: () => number;
}

/** A client that has joined. */
export interface RawMember extends RawClient, Sender {
  readonly room: Room;
}

/** Connects to a port of this machine. */
export const connectRaw = async (port: number, options?: ReadOptions): Promise<RawClient> => {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  onCleanup(() => socket.destroy());
  const closed = new Promise((resolve) => socket.once('close', resolve));
  const received = readStream(socket, options);
  await once(socket, 'connect');
  return {
    socket,
    output: received,
    closed,
    writeLines: (...lines) => void socket.write(lines.map((each) => `${each}\n`).join('')),
    write: (bytes) => void socket.write(bytes),
  };
};

/** Resolves with the nonce of the relay's `NICK`. */
export const nonceOf = async ({ output }: RawClient): Promise<string> =>
  parseGreeting(await output.until(({ lines }) => lines[0]));

/** Returns the answer to `NICK` of someone with the invite. */
export const helloFor = (
  nonce: string,
  { secret }: Pick<Room, 'secret'>,
  nick: string,
  more: Partial<Hello> = {},
): string => {
  const { room, sign } = deriveRoomKeys(secret);
  const { session = toBase64url(randomBytes(16)) } = more;
  const proof = sign(proofMessage({ nonce, room, session, binding: '', nick }));
  return formatHello({ nick, room, session, proof, ...more });
};

/** A nick belongs to the same person each time. */
const identities = new Map<string, Identity>();
const identityOf = (nick: string): Identity => {
  const person = identities.get(nick) ?? createIdentity();
  identities.set(nick, person);
  return person;
};

/** Creates a new session of the person with that nick. */
export const newSender = (room: Pick<Room, 'secret'>, nick: string): Sender => {
  let counter = 0;
  const run = toBase64url(randomBytes(16));
  return { room, nick, identity: identityOf(nick), session: run, nextCounter: () => (counter += 1) };
};

/** Interval in ms of the PONGs of a member. A relay removes a member that is silent for 30 s. */
const KEEP_ALIVE_MS = 5000;

/** Joins a room, stays a member however long the test takes, and resolves once the relay has sent `WELCOME`. */
export const joinRaw = async (
  room: Room,
  nick: string,
  { keep, ...more }: ReadOptions & Partial<Hello> = {},
): Promise<RawMember> => {
  const peer = await connectRaw(room.port, { keep });
  peer.writeLines(helloFor(await nonceOf(peer), room, nick, more));
  await peer.output.until(lineWith('WELCOME '));
  const keepAlive = setInterval(() => {
    if (peer.socket.writable) peer.writeLines('PONG 0');
  }, KEEP_ALIVE_MS);
  void peer.closed.then(() => clearInterval(keepAlive));
  return { ...newSender(room, nick), ...peer, room };
};

/** Returns all entries that a client received after its `WELCOME`. */
export const entriesOf = ({ output }: RawClient): readonly string[] =>
  output.lines.filter((each) => /^[g+-]/.test(each));

/** Returns a token of a message as a client creates it: signed and numbered. */
export const seal = (from: Sender, ...lines: readonly string[]): string => sealAs(from, undefined, ...lines);

/** Returns a token of an envelope with other fields than text. */
export const sealAs = (from: Sender, act: Act | undefined, ...lines: readonly string[]): string => {
  const { room, fernetKey } = deriveRoomKeys(from.room.secret);
  const { nick, identity, session } = from;
  const time = Date.now();
  const counter = from.nextCounter();
  const envelope = { nick, lines, act, room, key: identity.key, session, counter, time, stored: 0 };
  return nodeCipher().seal(fernetKey, encodeEnvelope(envelope, identity), Math.floor(time / 1000));
};

/** Returns a token that is valid in form but encrypted with no key; about `size` characters long. */
export const fakeToken = (size = 140): string => {
  const blocks = Math.max(1, Math.floor(((size * 3) / 4 - 57) / 16));
  const bytes = Buffer.concat([Buffer.from([0x80, 0, 0, 0, 0]), randomBytes(52 + 16 * blocks)]);
  return bytes.toString('base64url') + '='.repeat((3 - (bytes.length % 3)) % 3);
};
