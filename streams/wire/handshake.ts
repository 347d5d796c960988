import { fromBase64url } from './base64url.js';
import { ProtocolError } from './errors.js';
import { readFields, readNumber, writeFields } from './fields.js';
import { checkNick } from './nick.js';
import { formatResume, isLogId, POSITION_LIMIT, readResume, type Resume } from './resume.js';
import { encodeText } from './utf8.js';

/** The name and version of the protocol, as the relay says it first. */
export const PROTOCOL = 'rxchat/1';

declare const roomName: unique symbol;

/** A room's name: an Ed25519 public key, 43 characters of base64url. */
export type RoomName = string & { readonly [roomName]: true };

export { readResume, type Resume } from './resume.js';

/** Shows that a client holds a key, by which its connections may share a nick. */
export interface OwnerProof {
  /** Ed25519 public key, base64url, of its own for each room. */
  readonly key: string;
  /** Signature of `ownerMessage` under it, base64url. */
  readonly signature: string;
}

/** What a client answers to `NICK`. */
export interface Hello {
  readonly nick: string;
  readonly room: RoomName;
  /** 128 random bits in base64url, one per run of a client. */
  readonly session: string;
  /** Ed25519 signature of `proofMessage` under the room's key, base64url. */
  readonly proof: string;
  readonly after?: Resume;
  /** How many of the newest entries to begin with. */
  readonly last?: number;
  /** HMAC of `accessMessage` under the relay's access token, base64url; where the relay is a private one. */
  readonly access?: string;
  /** Other connections that show the same owner may have the same nick at the same time. */
  readonly owner?: OwnerProof;
}

/** What the relay answers to a proof that holds. Positions count from 1. */
export interface Welcome {
  /** Which log this is. Another id than last time: the log was lost and positions began again. */
  readonly log: string;
  /** The position that the next new entry will get. */
  readonly next: number;
  /** The oldest position still kept; `next` where none is. */
  readonly first: number;
  /** The position of the line that follows: an entry, or a `GAP` that begins there. */
  readonly from: number;
  readonly durability: 'memory' | 'os' | 'disk';
  /** How many members the room has, this one included. */
  readonly count: number;
  /** Their nicks; `undefined` where the list would be too long for a line. */
  readonly members: readonly string[] | undefined;
}

/** More members than this, or a longer list in characters, and `WELCOME` only counts them. */
export const LISTED_MEMBERS = 1000;
const LISTED_CHARACTERS = 8192;

/** `NICK rxchat/1 nonce=…`, the first line of a connection. */
export const greetingLine = (nonce: string): string => `NICK ${PROTOCOL} ${writeFields({ nonce })}`;

/** Reads the greeting and gives its nonce. */
export const readGreeting = (line: string): string => {
  const [verb, protocol, ...words] = line.split(' ');
  if (verb !== 'NICK')
    throw new ProtocolError('bad-line', 'this is not an rxchat relay: it did not ask for a nick');
  if (protocol !== PROTOCOL)
    throw new ProtocolError('bad-version', `the relay speaks another protocol than ${PROTOCOL}`);
  const nonce = readFields(words).get('nonce');
  if (nonce === undefined || fromBase64url(nonce)?.length !== 32)
    throw new ProtocolError('bad-line', 'the greeting has no nonce of 32 bytes');
  return nonce;
};

/** `NICK <nick> room=… session=… proof=…`. */
export const helloLine = ({ nick, room, session, proof, after, last, access, owner }: Hello): string =>
  `NICK ${nick} ${writeFields({
    room,
    session,
    proof,
    after: after && formatResume(after),
    last,
    access,
    owner: owner && `${owner.key}/${owner.signature}`,
  })}`;

/** Reads a client's answer, whose proof is still to be verified. */
export const readHello = (line: string): Hello => {
  const [verb, nick = '', ...words] = line.split(' ');
  if (verb !== 'NICK')
    throw new ProtocolError('bad-line', 'the answer to NICK is NICK <nick> room=... session=... proof=...');
  checkNick(nick);
  if (words[0] !== undefined && !words[0].includes('='))
    throw new ProtocolError('nick-invalid', 'the nick has a space');
  const fields = readFields(words);
  const room = readKey(fields.get('room'), 32, 'bad-room', 'room is not a public key of 32 bytes');
  const session = readKey(fields.get('session'), 16, 'bad-session', 'session is not 16 bytes');
  const proof = readKey(fields.get('proof'), 64, 'bad-proof', 'proof is not a signature of 64 bytes');
  const after = fields.get('after');
  const last = fields.get('last');
  const access = fields.get('access');
  const owner = fields.get('owner');
  return {
    nick,
    room: room as RoomName,
    session,
    proof,
    ...(after !== undefined && { after: readResume(after) }),
    ...(last !== undefined && { last: position(last, 'last') }),
    ...(access !== undefined && { access }),
    ...(owner !== undefined && { owner: readOwner(owner) }),
  };
};

/** Reads `<key>/<signature>`. */
const readOwner = (text: string): OwnerProof => {
  const [key, signature, ...rest] = text.split('/');
  const malformed = 'owner is not <public key of 32 bytes>/<signature of 64 bytes>';
  if (rest.length > 0) throw new ProtocolError('bad-proof', malformed);
  return {
    key: readKey(key, 32, 'bad-proof', malformed),
    signature: readKey(signature, 64, 'bad-proof', malformed),
  };
};

/**
 * The bytes that a join proof signs: a label, the relay's nonce, the room, the session, the channel binding and the
 * nick, each on a line of its own (none of them can hold a newline).
 */
export const proofMessage = (join: Join): Uint8Array => labelled('join', join);

/** The same under another label: what a relay's access token authenticates. */
export const accessMessage = (join: Join): Uint8Array => labelled('access', join);

/** The same under another label: what the key of a nick's owner signs. */
export const ownerMessage = (join: Join): Uint8Array => labelled('owner', join);

/** One join, over one connection. */
export interface Join {
  readonly nonce: string;
  readonly room: string;
  readonly session: string;
  readonly binding: string;
  readonly nick: string;
}

const labelled = (label: string, { nonce, room, session, binding, nick }: Join): Uint8Array =>
  encodeText([`${PROTOCOL} ${label}`, nonce, room, session, binding, nick].join('\n'));

/** `WELCOME log=… next=… first=… from=… durability=… count=… members=…`. */
export const welcomeLine = ({ members, ...fields }: Welcome): string => {
  const list = members?.join(',') ?? '';
  const listed =
    members !== undefined && members.length <= LISTED_MEMBERS && list.length <= LISTED_CHARACTERS;
  return `WELCOME ${writeFields({ ...fields, members: listed ? list : undefined })}`;
};

/** Reads the relay's `WELCOME`; throws a `ProtocolError` if its fields are against the grammar or against each other. */
export const readWelcome = (line: string): Welcome => {
  const fields = readFields(line.split(' ').slice(1));
  const durability = fields.get('durability') ?? 'memory';
  const log = fields.get('log');
  if (log === undefined || log === '') throw new ProtocolError('bad-line', 'WELCOME names no log');
  if (!isLogId(log)) throw new ProtocolError('bad-line', 'WELCOME names a log by what is no id of a log');
  if (durability !== 'memory' && durability !== 'os' && durability !== 'disk')
    throw new ProtocolError('bad-line', 'WELCOME names no durability that is known');
  const next = position(fields.get('next'), 'next');
  const first = position(fields.get('first'), 'first');
  const from = position(fields.get('from'), 'from');
  const count = position(fields.get('count'), 'count');
  if (first < 1 || first > next || next > POSITION_LIMIT)
    throw new ProtocolError(
      'bad-position',
      `WELCOME keeps entries from ${first} on, and the next is ${next}`,
    );
  if (from < 1 || from > next)
    throw new ProtocolError('bad-position', `WELCOME begins at ${from}, and the next is ${next}`);
  if (count < 1) throw new ProtocolError('bad-line', 'WELCOME counts no member, and this client is one');
  return { log, next, first, from, durability, count, members: listed(fields.get('members'), count) };
};

/** The list of members, which has as many nicks as there are members; an empty one is none. */
const listed = (text: string | undefined, count: number): readonly string[] | undefined => {
  if (text === undefined || text === '') return undefined;
  const members = text.split(',');
  if (members.length > LISTED_MEMBERS || members.length !== count)
    throw new ProtocolError('bad-line', `WELCOME counts ${count} members and lists ${members.length}`);
  return members;
};

const readKey = (
  text: string | undefined,
  bytes: number,
  code: 'bad-room' | 'bad-session' | 'bad-proof',
  message: string,
): string => {
  if (text === undefined || fromBase64url(text)?.length !== bytes) throw new ProtocolError(code, message);
  return text;
};

const position = (text: string | undefined, name: string): number => {
  const n = readNumber(text);
  if (n === undefined) throw new ProtocolError('bad-position', `${name} is not a whole number from 0`);
  return n;
};
