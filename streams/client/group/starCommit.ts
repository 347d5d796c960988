import {
  BytesError,
  concatBytes,
  equalBytes,
  formatList,
  lengthPrefixed,
  parseBytes,
  u16,
  u32,
  u8,
} from './bytes.js';
import type { CryptoSuite } from './cryptoSuite.js';
import type { Commit, CommitFailure } from './engine.js';
import { type HpkeCiphertext, type LabelledCrypto, SECRET_BYTES } from './labels.js';
import {
  certifyLeaf,
  findDevice,
  formatGroupContext,
  formatLeaf,
  hashLeaves,
  isAscending,
  KEY_BYTES,
  type Leaf,
  type LeafNode,
  lowestFreeIndex,
  MAX_LEAVES,
  type PublicGroup,
  readEpoch,
  readLeaf,
  readVersion,
  VERSION,
  withLeaf,
  withoutLeaves,
} from './starGroup.js';

/** What the committer signs. */
export interface CommitContent {
  readonly groupId: Uint8Array;
  /** The epoch that the commit ends. */
  readonly epoch: number;
  /** The indexes of the leaves that it removes, ascending. */
  readonly removed: readonly number[];
  readonly authenticatedData: Uint8Array;
  /** The committer's leaf with its new encryption key. */
  readonly leafNode: LeafNode;
  /** From a newcomer: the output of the KEM from which the members compute the init secret. */
  readonly externalInit: Uint8Array | undefined;
  /** The commit secret, encrypted for each leaf but the committer's, in the order of the leaves. */
  readonly encryptedSecrets: readonly HpkeCiphertext[];
}

/** A commit whose signature and confirmation tag are not verified. */
export interface ParsedCommit extends CommitContent {
  /** The formatted content, which is signed. */
  readonly content: Uint8Array;
  readonly signature: Uint8Array;
  readonly confirmationTag: Uint8Array;
}

/** What follows from a commit with a valid signature. Its confirmation tag is not verified. */
export interface VerifiedCommit {
  readonly kind: 'verified';
  readonly commit: Commit;
  /** The leaves for which the commit secret is encrypted, in order. */
  readonly recipients: readonly Leaf[];
  /** The context in which it is encrypted. */
  readonly encryptionContext: Uint8Array;
  readonly next: PublicGroup;
}

export type CommitVerification =
  VerifiedCommit | { readonly kind: 'rejected'; readonly failure: CommitFailure };

const MEMBER_COMMIT = 1;
const EXTERNAL_COMMIT = 2;
const SIGNATURE_BYTES = 64;
/** A commit secret with the tag of its authenticated encryption. */
const CIPHERTEXT_BYTES = SECRET_BYTES + 16;
/** With this private key, which everybody knows, a shared secret tells whether a public key can be used. */
const TEST_KEY = new Uint8Array(KEY_BYTES).fill(1);

export const formatCommitContent = (commit: CommitContent): Uint8Array =>
  concatBytes(
    u8(VERSION),
    u8(commit.externalInit === undefined ? MEMBER_COMMIT : EXTERNAL_COMMIT),
    lengthPrefixed(commit.groupId),
    u32(commit.epoch),
    formatList(commit.removed, u16),
    lengthPrefixed(commit.authenticatedData),
    formatLeaf(commit.leafNode),
    commit.externalInit ?? new Uint8Array(0),
    formatList(commit.encryptedSecrets, ({ kemOutput, ciphertext }) => concatBytes(kemOutput, ciphertext)),
  );

const parseCommitContent = (bytes: Uint8Array): CommitContent | undefined =>
  parseBytes(bytes, (reader) => {
    readVersion(reader);
    const type = reader.u8();
    if (type !== MEMBER_COMMIT && type !== EXTERNAL_COMMIT) throw new BytesError('unknown type of a commit');
    return {
      groupId: reader.lengthPrefixed(),
      epoch: readEpoch(reader),
      removed: reader.list(() => reader.u16()),
      authenticatedData: reader.lengthPrefixed(),
      leafNode: readLeaf(reader),
      externalInit: type === EXTERNAL_COMMIT ? reader.bytes(KEY_BYTES) : undefined,
      encryptedSecrets: reader.list(() => ({
        kemOutput: reader.bytes(KEY_BYTES),
        ciphertext: reader.bytes(CIPHERTEXT_BYTES),
      })),
    };
  });

export const formatCommit = (
  content: Uint8Array,
  signature: Uint8Array,
  confirmationTag: Uint8Array,
): Uint8Array => concatBytes(lengthPrefixed(content), signature, confirmationTag);

/** Parses a commit, or returns `undefined` if the bytes are not one. */
export const parseCommit = (bytes: Uint8Array): ParsedCommit | undefined => {
  const parts = parseBytes(bytes, (reader) => ({
    content: reader.lengthPrefixed(),
    signature: reader.bytes(SIGNATURE_BYTES),
    confirmationTag: reader.bytes(SECRET_BYTES),
  }));
  const content = parts && parseCommitContent(parts.content);
  return content && { ...content, ...parts };
};

/** Formats what the signature of a commit covers: the context of the epoch that it ends, and its content. */
export const formatSignedCommit = (group: PublicGroup, content: Uint8Array): Uint8Array =>
  concatBytes(formatGroupContext(group), content);

/** Formats the context in which the commit secret is encrypted: the next epoch before the commit is hashed. */
export const formatEncryptionContext = (group: PublicGroup, rosterHash: Uint8Array): Uint8Array =>
  formatGroupContext({ ...group, epoch: group.epoch + 1, rosterHash });

/** Computes the confirmed transcript hash after a commit from the interim one before (RFC 9420, section 8.2). */
export const hashTranscript = (
  { confirmedTranscriptHash, confirmationTag }: PublicGroup,
  content: Uint8Array,
  signature: Uint8Array,
  sha256: CryptoSuite['sha256'],
): Uint8Array => {
  const interim = sha256(concatBytes(confirmedTranscriptHash, confirmationTag));
  return sha256(concatBytes(interim, lengthPrefixed(content), signature));
};

/** Checks the committer's leaf. Returns it with its owner, or why it is invalid. */
const checkLeaf = (
  { leafNode, externalInit }: ParsedCommit,
  group: PublicGroup,
  remaining: readonly Leaf[],
  { x25519, ed25519 }: CryptoSuite,
): Leaf | CommitFailure => {
  const { index, signatureKey, encryptionKey, credential } = leafNode;
  // A key that was in use would not heal a compromise. With one that cannot be used, nobody could commit any more.
  if (
    group.leaves.some((leaf) => equalBytes(leaf.encryptionKey, encryptionKey)) ||
    x25519.sharedSecret(TEST_KEY, encryptionKey) === undefined
  )
    return 'invalid leaf';
  if (externalInit !== undefined) {
    if (
      index !== lowestFreeIndex(remaining) ||
      remaining.length >= MAX_LEAVES ||
      findDevice(remaining, signatureKey) !== undefined
    )
      return 'invalid leaf';
    return certifyLeaf(leafNode, ed25519) ?? 'invalid credential';
  }
  const own = remaining.find((leaf) => leaf.index === index);
  return own !== undefined &&
    equalBytes(own.signatureKey, signatureKey) &&
    equalBytes(own.credential, credential)
    ? { ...leafNode, member: own.member }
    : 'invalid leaf';
};

/** Verifies all of a commit that needs no secret: also newcomers can do it. */
export const verifyCommit = (
  group: PublicGroup,
  parsed: ParsedCommit,
  suite: CryptoSuite,
  { verifyWithLabel }: LabelledCrypto,
): CommitVerification => {
  const rejected = (failure: CommitFailure): CommitVerification => ({ kind: 'rejected', failure });
  if (!equalBytes(parsed.groupId, group.groupId)) return rejected('wrong group');
  if (parsed.epoch !== group.epoch) return rejected('wrong epoch');

  const isExternal = parsed.externalInit !== undefined;
  const hasLeaf = (index: number): boolean => group.leaves.some((leaf) => leaf.index === index);
  if (
    parsed.removed.length > group.leaves.length ||
    !isAscending(parsed.removed) ||
    !parsed.removed.every(hasLeaf) ||
    (!isExternal && parsed.removed.includes(parsed.leafNode.index))
  )
    return rejected('invalid removal');

  const remaining = withoutLeaves(group.leaves, parsed.removed);
  const leaf = checkLeaf(parsed, group, remaining, suite);
  if (typeof leaf === 'string') return rejected(leaf);
  const recipients = withoutLeaves(remaining, [leaf.index]);
  if (parsed.encryptedSecrets.length !== recipients.length) return rejected('malformed');
  const { content, signature } = parsed;
  if (!verifyWithLabel(leaf.signatureKey, 'commit', formatSignedCommit(group, content), signature))
    return rejected('invalid signature');

  const leaves = withLeaf(recipients, leaf);
  const rosterHash = hashLeaves(leaves, suite.sha256);
  return {
    kind: 'verified',
    commit: {
      epoch: parsed.epoch,
      isExternal,
      committer: leaf.member,
      removed: group.leaves.filter(({ index }) => parsed.removed.includes(index)).map(({ member }) => member),
      authenticatedData: parsed.authenticatedData,
    },
    recipients,
    encryptionContext: formatEncryptionContext(group, rosterHash),
    next: {
      groupId: group.groupId,
      epoch: group.epoch + 1,
      leaves,
      rosterHash,
      confirmedTranscriptHash: hashTranscript(group, content, signature, suite.sha256),
      confirmationTag: parsed.confirmationTag,
    },
  };
};
