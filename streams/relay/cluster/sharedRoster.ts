import { encodeText, toBase64url } from '../../wire/encoding.js';
import type { Sha256 } from '../../wire/fields.js';
import type { Occupant, RosterChange, RosterEntry } from '../members/roster.js';

/** A member as all relays know it. */
export interface SharedMember extends Occupant {
  /** A hash of the session, so that nobody who reads the engine can take its place. */
  readonly session: string;
  /** A hash of the owner key. */
  readonly owner: string | undefined;
  /** Names its connection: the id of its relay, a dot, and a number. */
  readonly connection: string;
}

/** A change of the roster that a batch contains. */
export type StoredChange = Extract<
  RosterChange<SharedMember>,
  { type: 'joined' | 'away' | 'removed' | 'left' }
>;

export type MemberEntry = RosterEntry<SharedMember>;

/**
 * Returns a hash of 128 bits of a session, or of an owner key.
 *
 * A reader of the engine cannot take the place of a session, and does not see which keys are in several rooms.
 */
export const hashSession = (room: string, session: string, hash: Sha256): string =>
  toBase64url(hash(encodeText(`${room} ${session}`)).subarray(0, 16));

/** Returns the id of the relay that a connection is at. */
export const relayOf = (connection: string): string => connection.slice(0, connection.lastIndexOf('.'));

const formatMember = ({ session, connection, nick, owner }: SharedMember): readonly string[] =>
  owner === undefined ? [session, connection, nick] : [session, connection, nick, owner];

export const formatChange = (change: StoredChange): readonly unknown[] => {
  const { type, member } = change;
  switch (type) {
    case 'joined':
      return [type, formatMember(member), change.key, change.resumed];
    case 'left':
      return [type, formatMember(member), change.nick];
    default:
      return [type, formatMember(member)];
  }
};

export const formatEntry = ({ member, key, isAway, nick, owner }: MemberEntry): readonly unknown[] => [
  formatMember(member),
  key,
  isAway,
  nick,
  ...(owner === undefined ? [] : [owner]),
];

export const parseChange = ([type, fields, text, resumed]: readonly unknown[]): StoredChange | undefined => {
  const member = parseMember(fields);
  if (member === undefined) return undefined;
  if (type === 'away' || type === 'removed') return { type, member };
  if (typeof text !== 'string') return undefined;
  if (type === 'left') return { type, member, nick: text };
  return type === 'joined' && typeof resumed === 'boolean' ? { type, member, key: text, resumed } : undefined;
};

export const parseEntry = ([fields, key, isAway, nick, owner]: readonly unknown[]):
  MemberEntry | undefined => {
  const member = parseMember(fields);
  return member !== undefined &&
    typeof key === 'string' &&
    typeof isAway === 'boolean' &&
    typeof nick === 'string' &&
    isOptionalText(owner)
    ? { member, key, isAway, nick, owner }
    : undefined;
};

const parseMember = (value: unknown): SharedMember | undefined => {
  if (!Array.isArray(value)) return undefined;
  const [session, connection, nick, owner] = value as readonly unknown[];
  return typeof session === 'string' &&
    typeof connection === 'string' &&
    typeof nick === 'string' &&
    isOptionalText(owner)
    ? { session, connection, nick, owner }
    : undefined;
};

const isOptionalText = (value: unknown): value is string | undefined =>
  value === undefined || typeof value === 'string';
