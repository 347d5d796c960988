import { encodeText, fromBase64url } from './encoding.js';
import { ProtocolError } from './errors.js';
import {
  type Ancestor,
  formatAncestors,
  formatFields,
  formatResume,
  isLogId,
  parseAncestors,
  parseFields,
  parseNumber,
  parseResume,
  POSITION_LIMIT,
  type Resume,
} from './fields.js';
import { validateNick } from './nick.js';

/** Name and version of the protocol, sent in the greeting of the relay. */
export const PROTOCOL = 'rxchat/1';

/**
 * What a relay can do and advertises in its greeting, since another relay may lack it: `owner` lets connections with the same
 * owner share a nick, `ancestors` resumes in a log that continues another one, `hash` compares the hashes in `after=`.
 */
export type Feature = 'owner' | 'ancestors' | 'hash';

declare const roomName: unique symbol;

/** A room's name: an Ed25519 public key, 43 characters of base64url. */
export type RoomName = string & { readonly [roomName]: true };

export { type Ancestor, parseResume, type Resume } from './fields.js';

/**
 * Returns whether an Ed25519 signature (RFC 8032) of a message is valid under a public key, both base64url.
 *
 * Returns `false` for malformed input; never throws.
 */
export type Verify = (key: string, message: Uint8Array, signature: string) => boolean;

/** Proves that a client has the owner key by which several connections can share a nick. */
export interface OwnerProof {
  /** Ed25519 public key in base64url, a different one for each room. */
  readonly key: string;
  /** Signature of `ownerMessage` under it, base64url. */
  readonly signature: string;
}

/** The answer of a client to `NICK`. */
export interface Hello {
  readonly nick: string;
  readonly room: RoomName;
  /** 128 random bits in base64url, new for each run of a client. */
  readonly session: string;
  /** Ed25519 signature of `proofMessage` under the room's key, base64url. */
  readonly proof: string;
  readonly after?: Resume;
  /** Number of newest entries to start with. */
  readonly last?: number;
  /** HMAC of `accessMessage` under the access token of a private relay, base64url. */
  readonly access?: string;
  /** Connections with the same owner can have the same nick at the same time. */
  readonly owner?: OwnerProof;
}

/** The answer of the relay to a valid proof. Positions count from 1. */
export interface Welcome {
  /** Id of the log. If it differs from the last one, the log was lost and positions restarted. */
  readonly log: string;
  /** Position of the next new entry. */
  readonly next: number;
  /** Oldest stored position, or `next` if the log is empty. */
  readonly first: number;
  /** Position of the following line: an entry, or a `GAP` that starts there. */
  readonly from: number;
  readonly durability: 'memory' | 'os' | 'disk';
  /** Number of members in the room, this one included. */
  readonly count: number;
  /** Their nicks, or `undefined` if the list is too long for a line. */
  readonly members: readonly string[] | undefined;
  /** The logs that this one continues, newest first. Missing if it continues none. */
  readonly ancestors?: readonly Ancestor[] | undefined;
}

/** Limits of the member list in `WELCOME`, in members and characters; above them it has only the count. */
export const MAX_LISTED_MEMBERS = 1000;
const MAX_LISTED_LENGTH = 8192;

/** Formats `NICK rxchat/1 nonce=… features=…`, the first line of a connection. */
export const formatGreeting = (nonce: string, features: readonly Feature[] = []): string =>
  `NICK ${PROTOCOL} ${formatFields({ nonce, features: features.join(',') || undefined })}`;

/** Parses the greeting and returns its nonce. */
export const parseGreeting = (line: string): string => {
  const [verb, protocol, ...words] = line.split(' ');
  if (verb !== 'NICK')
    throw new ProtocolError('bad-line', 'this is not an rxchat relay: it did not ask for a nick');
  if (protocol !== PROTOCOL) throw new ProtocolError('bad-version', `the relay does not support ${PROTOCOL}`);
  const nonce = parseFields(words).get('nonce');
  if (nonce === undefined || fromBase64url(nonce)?.length !== 32)
    throw new ProtocolError('bad-line', 'the greeting has no nonce of 32 bytes');
  return nonce;
};

/** Formats `NICK <nick> room=… session=… proof=…`. */
export const formatHello = ({ nick, room, session, proof, after, last, access, owner }: Hello): string =>
  `NICK ${nick} ${formatFields({
    room,
    session,
    proof,
    after: after && formatResume(after),
    last,
    access,
    owner: owner && `${owner.key}/${owner.signature}`,
  })}`;

/** Parses the answer of a client; does not verify its proof. */
export const parseHello = (line: string): Hello => {
  const [verb, nick = '', ...words] = line.split(' ');
  if (verb !== 'NICK')
    throw new ProtocolError('bad-line', 'expected NICK <nick> room=... session=... proof=...');
  validateNick(nick);
  if (words[0] !== undefined && !words[0].includes('='))
    throw new ProtocolError('nick-invalid', 'the nick has a space');
  const fields = parseFields(words);
  const room = parseKey(fields.get('room'), 32, 'bad-room', 'room= must be a public key of 32 bytes');
  const session = parseKey(fields.get('session'), 16, 'bad-session', 'session is not 16 bytes');
  const proof = parseKey(fields.get('proof'), 64, 'bad-proof', 'proof is not a signature of 64 bytes');
  const after = fields.get('after');
  const last = fields.get('last');
  const access = fields.get('access');
  const owner = fields.get('owner');
  return {
    nick,
    room: room as RoomName,
    session,
    proof,
    ...(after !== undefined && { after: parseResume(after) }),
    ...(last !== undefined && { last: position(last, 'last') }),
    ...(access !== undefined && { access }),
    ...(owner !== undefined && { owner: parseOwner(owner) }),
  };
};

/** Parses `<key>/<signature>`. */
const parseOwner = (text: string): OwnerProof => {
  const [key, signature, ...rest] = text.split('/');
  const malformed = 'owner is not <public key of 32 bytes>/<signature of 64 bytes>';
  if (rest.length > 0) throw new ProtocolError('bad-proof', malformed);
  return {
    key: parseKey(key, 32, 'bad-proof', malformed),
    signature: parseKey(signature, 64, 'bad-proof', malformed),
  };
};

/**
 * Returns the bytes that a join proof signs.
 *
 * They are a label, the nonce of the relay, the room, the session, the channel binding and the nick, each on its own line.
 * None of them can contain a newline.
 */
export const proofMessage = (join: JoinContext): Uint8Array => labelMessage('join', join);

/** Returns the bytes that an access token authenticates: the same with another label. */
export const accessMessage = (join: JoinContext): Uint8Array => labelMessage('access', join);

/** Returns the bytes that the owner key of a nick signs: the same with another label. */
export const ownerMessage = (join: JoinContext): Uint8Array => labelMessage('owner', join);

/** What a proof is bound to: one join over one connection. */
export interface JoinContext {
  readonly nonce: string;
  readonly room: string;
  readonly session: string;
  readonly binding: string;
  readonly nick: string;
}

const labelMessage = (label: string, { nonce, room, session, binding, nick }: JoinContext): Uint8Array =>
  encodeText([`${PROTOCOL} ${label}`, nonce, room, session, binding, nick].join('\n'));

/** Formats `WELCOME log=… next=… first=… from=… durability=… count=… ancestors=… members=…`. */
export const formatWelcome = ({ members, ancestors, ...fields }: Welcome): string => {
  const list = members?.join(',') ?? '';
  const listed =
    members !== undefined && members.length <= MAX_LISTED_MEMBERS && list.length <= MAX_LISTED_LENGTH;
  return `WELCOME ${formatFields({
    ...fields,
    ancestors: formatAncestors(ancestors),
    members: listed ? list : undefined,
  })}`;
};

/** Parses `WELCOME`; throws a `ProtocolError` if a field is invalid or contradicts another field. */
export const parseWelcome = (line: string): Welcome => {
  const fields = parseFields(line.split(' ').slice(1));
  const durability = fields.get('durability') ?? 'memory';
  const log = fields.get('log');
  if (log === undefined || log === '') throw new ProtocolError('bad-line', 'WELCOME has no log id');
  if (!isLogId(log)) throw new ProtocolError('bad-line', 'WELCOME has an invalid log id');
  if (durability !== 'memory' && durability !== 'os' && durability !== 'disk')
    throw new ProtocolError('bad-line', 'WELCOME has an unknown durability');
  const next = position(fields.get('next'), 'next');
  const first = position(fields.get('first'), 'first');
  const from = position(fields.get('from'), 'from');
  const count = position(fields.get('count'), 'count');
  if (first < 1 || first > next || next > POSITION_LIMIT)
    throw new ProtocolError('bad-position', `WELCOME has first=${first} after next=${next}`);
  if (from < 1 || from > next)
    throw new ProtocolError('bad-position', `WELCOME has from=${from} after next=${next}`);
  if (count < 1) throw new ProtocolError('bad-line', 'WELCOME has count=0, but this client is a member');
  const ancestors = parseAncestors(fields.get('ancestors'));
  return {
    log,
    next,
    first,
    from,
    durability,
    count,
    members: listed(fields.get('members'), count),
    ...(ancestors.length > 0 && { ancestors }),
  };
};

/** Parses the list of members, whose length must equal `count`; an empty list counts as absent. */
const listed = (text: string | undefined, count: number): readonly string[] | undefined => {
  if (text === undefined || text === '') return undefined;
  const members = text.split(',');
  if (members.length > MAX_LISTED_MEMBERS || members.length !== count)
    throw new ProtocolError('bad-line', `WELCOME has count=${count}, but lists ${members.length} members`);
  return members;
};

const parseKey = (
  text: string | undefined,
  bytes: number,
  code: 'bad-room' | 'bad-session' | 'bad-proof',
  message: string,
): string => {
  if (text === undefined || fromBase64url(text)?.length !== bytes) throw new ProtocolError(code, message);
  return text;
};

const position = (text: string | undefined, name: string): number => {
  const n = parseNumber(text);
  if (n === undefined) throw new ProtocolError('bad-position', `${name} is not a whole number from 0`);
  return n;
};
