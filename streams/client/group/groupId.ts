import { toBase64url } from '../../wire/encoding.js';
import { BytesError, concatBytes, parseBytes, u8 } from './bytes.js';
import { decodeBase64url } from './credential.js';

/** Who may remove members: the creator, or every member. */
export type RemovalRule = 'creator' | 'anyone';

/** What the id of a group says. The id is part of the key schedule, so that all members agree on it. */
export interface GroupIdFields {
  readonly removalRule: RemovalRule;
  /** The public key of the creator's identity, base64url. */
  readonly creator: string;
  /** 16 random bytes. */
  readonly random: Uint8Array;
}

const VERSION = 1;
const KEY_BYTES = 32;
const RANDOM_BYTES = 16;
/** The index of a rule is its number in the id. */
const RULES: readonly RemovalRule[] = ['creator', 'anyone'];

/** Formats the id of a group: version, rule, creator's identity key, random bytes. */
export const formatGroupId = ({ removalRule, creator, random }: GroupIdFields): Uint8Array => {
  if (random.length !== RANDOM_BYTES) throw new TypeError(`a group id has ${RANDOM_BYTES} random bytes`);
  return concatBytes(
    u8(VERSION),
    u8(RULES.indexOf(removalRule)),
    decodeBase64url(creator, KEY_BYTES),
    random,
  );
};

/** Parses the id of a group, or returns `undefined` if its format or version is unknown. */
export const parseGroupId = (groupId: Uint8Array): GroupIdFields | undefined =>
  parseBytes(groupId, (reader) => {
    const version = reader.u8();
    const removalRule = RULES[reader.u8()];
    if (version !== VERSION || removalRule === undefined)
      throw new BytesError('unknown version of a group id');
    return { removalRule, creator: toBase64url(reader.bytes(KEY_BYTES)), random: reader.bytes(RANDOM_BYTES) };
  });
