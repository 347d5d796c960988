import {
  type ByteReader,
  BytesError,
  concatBytes,
  equalBytes,
  formatList,
  lengthPrefixed,
  u16,
  u32,
  u8,
} from './bytes.js';
import { parseCredential } from './credential.js';
import type { CryptoSuite, SignatureScheme } from './cryptoSuite.js';
import type { Member } from './engine.js';
import { SECRET_BYTES } from './labels.js';

/** The version of all formats of the star engine. */
export const VERSION = 1;
/** The maximum number of leaves. Rooms have a lower limit, which the layer above sets. */
export const MAX_LEAVES = 1024;
/** The last epoch that a commit can end. */
const MAX_EPOCH = 2 ** 32 - 2;
/** The length of public keys in bytes. */
export const KEY_BYTES = 32;

/** A leaf as it is formatted: not verified. */
export interface LeafNode {
  readonly index: number;
  /** The device's Ed25519 public key. */
  readonly signatureKey: Uint8Array;
  /** The X25519 public key to which the others encrypt commit secrets. Each commit of the device replaces it. */
  readonly encryptionKey: Uint8Array;
  readonly credential: Uint8Array;
}

/** A leaf with a valid credential. */
export interface Leaf extends LeafNode {
  readonly member: Member;
}

/** What the members of an epoch agree on: no secrets. */
export interface PublicGroup {
  readonly groupId: Uint8Array;
  readonly epoch: number;
  /** In the order of their indexes. */
  readonly leaves: readonly Leaf[];
  /** The hash of `leaves`, in the place of MLS's tree hash. */
  readonly rosterHash: Uint8Array;
  /** The hash of all commits, up to the signature of the last one (RFC 9420, section 8.2). */
  readonly confirmedTranscriptHash: Uint8Array;
  /** The confirmation tag of the last commit. */
  readonly confirmationTag: Uint8Array;
}

/** Verifies a leaf's credential. Returns `undefined` if it is invalid. */
export const certifyLeaf = (node: LeafNode, scheme: Pick<SignatureScheme, 'verify'>): Leaf | undefined => {
  const owner = parseCredential(node.credential, node.signatureKey, scheme);
  return owner && { ...node, member: { leaf: node.index, ...owner } };
};

export const formatLeaf = ({ index, signatureKey, encryptionKey, credential }: LeafNode): Uint8Array =>
  concatBytes(u16(index), signatureKey, encryptionKey, lengthPrefixed(credential));

export const readLeaf = (reader: ByteReader): LeafNode => ({
  index: reader.u16(),
  signatureKey: reader.bytes(KEY_BYTES),
  encryptionKey: reader.bytes(KEY_BYTES),
  credential: reader.lengthPrefixed(),
});

/** Reads an epoch that a commit can end. Throws a `BytesError` for a later one. */
export const readEpoch = (reader: ByteReader): number => {
  const epoch = reader.u32();
  if (epoch > MAX_EPOCH) throw new BytesError('no epoch can follow');
  return epoch;
};

/** Throws a `BytesError` unless a reader's next byte is the version of these formats. */
export const readVersion = (reader: ByteReader): void => {
  if (reader.u8() !== VERSION) throw new BytesError('unknown version');
};

export const isAscending = (numbers: readonly number[]): boolean =>
  numbers.every((number, at) => at === 0 || number > (numbers[at - 1] ?? 0));

const isUnique = (keys: readonly Uint8Array[]): boolean => new Set(keys.map(String)).size === keys.length;

const formatLeaves = (leaves: readonly LeafNode[]): Uint8Array => formatList(leaves, formatLeaf);

/** Formats all of a group that a newcomer needs, but its keys. */
export const formatPublicGroup = (group: PublicGroup): Uint8Array =>
  concatBytes(
    u8(VERSION),
    lengthPrefixed(group.groupId),
    u32(group.epoch),
    formatLeaves(group.leaves),
    group.confirmedTranscriptHash,
    group.confirmationTag,
  );

/** Reads the format of `formatPublicGroup`. Throws a `BytesError` if a leaf is invalid. */
export const readPublicGroup = (
  reader: ByteReader,
  { sha256 }: Pick<CryptoSuite, 'sha256'>,
  scheme: Pick<SignatureScheme, 'verify'>,
): PublicGroup => {
  readVersion(reader);
  const groupId = reader.lengthPrefixed();
  const epoch = readEpoch(reader);
  const nodes = reader.list(() => readLeaf(reader));
  const confirmedTranscriptHash = reader.bytes(SECRET_BYTES);
  const confirmationTag = reader.bytes(SECRET_BYTES);
  if (
    nodes.length === 0 ||
    nodes.length > MAX_LEAVES ||
    !isAscending(nodes.map(({ index }) => index)) ||
    !isUnique(nodes.map(({ signatureKey }) => signatureKey)) ||
    !isUnique(nodes.map(({ encryptionKey }) => encryptionKey))
  )
    throw new BytesError('the leaves are out of order, too many, or share a key');
  const leaves = nodes.map((node) => {
    const leaf = certifyLeaf(node, scheme);
    if (leaf === undefined) throw new BytesError('a credential is invalid');
    return leaf;
  });
  const rosterHash = hashLeaves(leaves, sha256);
  return { groupId, epoch, leaves, rosterHash, confirmedTranscriptHash, confirmationTag };
};

export const hashLeaves = (leaves: readonly LeafNode[], sha256: CryptoSuite['sha256']): Uint8Array =>
  sha256(formatLeaves(leaves));

/** Formats the group context of an epoch (RFC 9420, section 8.1): all that its members agree on. */
export const formatGroupContext = ({
  groupId,
  epoch,
  rosterHash,
  confirmedTranscriptHash,
}: Omit<PublicGroup, 'leaves' | 'confirmationTag'>): Uint8Array =>
  concatBytes(u8(VERSION), lengthPrefixed(groupId), u32(epoch), rosterHash, confirmedTranscriptHash);

/** Returns the leaves without those at some indexes. */
export const withoutLeaves = (leaves: readonly Leaf[], indexes: readonly number[]): readonly Leaf[] =>
  leaves.filter(({ index }) => !indexes.includes(index));

/** Returns the leaves with a new one in its place. */
export const withLeaf = (leaves: readonly Leaf[], leaf: Leaf): readonly Leaf[] =>
  [...leaves, leaf].sort((one, other) => one.index - other.index);

/** Returns the lowest index without a leaf. */
export const lowestFreeIndex = (leaves: readonly Leaf[]): number => {
  const gap = leaves.findIndex(({ index }, at) => index !== at);
  return gap === -1 ? leaves.length : gap;
};

/** Finds the leaf of a device by its public key. */
export const findDevice = (leaves: readonly Leaf[], signatureKey: Uint8Array): Leaf | undefined =>
  leaves.find((leaf) => equalBytes(leaf.signatureKey, signatureKey));
