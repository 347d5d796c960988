import { equalBytes } from './bytes.js';
import type { CryptoSuite } from './cryptoSuite.js';
import type { CommitFailure, Device, StagedCommit } from './engine.js';
import type { Hpke, KeyPair } from './hpke.js';
import type { EpochSecrets, KeySchedule } from './keySchedule.js';
import { type HpkeCiphertext, type LabelledCrypto, SECRET_BYTES } from './labels.js';
import {
  formatCommit,
  formatCommitContent,
  formatEncryptionContext,
  formatSignedCommit,
  hashTranscript,
  type ParsedCommit,
  type VerifiedCommit,
} from './starCommit.js';
import {
  certifyLeaf,
  formatGroupContext,
  hashLeaves,
  type Leaf,
  type PublicGroup,
  withLeaf,
  withoutLeaves,
} from './starGroup.js';
import type { RetainedSecrets, StarState } from './starState.js';

/** The functions that the transitions need. */
export interface StarCrypto {
  readonly suite: CryptoSuite;
  readonly hpke: Hpke;
  readonly labelled: LabelledCrypto;
  readonly keySchedule: KeySchedule;
}

/** What a commit needs besides the group: who makes it, and what it changes. */
export interface CommitProposal {
  readonly device: Device;
  /** The index of the committer's leaf. */
  readonly index: number;
  /** The indexes of the leaves to remove, ascending. */
  readonly removed: readonly number[];
  readonly authenticatedData: Uint8Array;
  readonly initSecret: Uint8Array;
  /** From a newcomer: the output of the KEM from which the members compute the init secret. */
  readonly externalInit: Uint8Array | undefined;
}

const NO_HASH = new Uint8Array(SECRET_BYTES);
const COMMIT_SECRET_LABEL = 'commit secret';

const retained = (secrets: EpochSecrets): RetainedSecrets => ({
  initSecret: secrets.initSecret,
  externalSecret: secrets.externalSecret,
  epochAuthenticator: secrets.epochAuthenticator,
  exporterSecret: secrets.exporterSecret,
});

/** Creates the leaf of a device. Throws a `TypeError` if its credential does not certify it. */
export const createLeaf = (
  { publicKey: signatureKey, credential }: Device,
  index: number,
  encryptionKey: Uint8Array,
  { ed25519 }: CryptoSuite,
): Leaf => {
  const leaf = certifyLeaf({ index, signatureKey, encryptionKey, credential }, ed25519);
  if (leaf === undefined) throw new TypeError('the credential does not certify the device');
  return leaf;
};

/** Computes the key pair to which newcomers encrypt. */
export const externalKeyPair = ({ secrets }: StarState, { keySchedule }: StarCrypto): KeyPair =>
  keySchedule.externalKeyPair(secrets.externalSecret);

/** Creates the state of a group of one device, in epoch 0. */
export const createFirstState = (groupId: Uint8Array, device: Device, crypto: StarCrypto): StarState => {
  const { hmac, randomBytes, sha256 } = crypto.suite;
  const encryptionKey = crypto.hpke.generateKeyPair();
  const leaves = [createLeaf(device, 0, encryptionKey.publicKey, crypto.suite)];
  const rosterHash = hashLeaves(leaves, sha256);
  const first = { groupId, epoch: 0, leaves, rosterHash, confirmedTranscriptHash: NO_HASH };
  const secrets = crypto.keySchedule.deriveEpoch(
    randomBytes(SECRET_BYTES),
    randomBytes(SECRET_BYTES),
    formatGroupContext(first),
  );
  const confirmationTag = hmac(secrets.confirmationKey, NO_HASH);
  return { group: { ...first, confirmationTag }, leaf: 0, encryptionKey, secrets: retained(secrets) };
};

/** Encrypts a secret to each leaf, or returns `undefined` if a key cannot be used. */
const encryptToAll = (
  leaves: readonly Leaf[],
  context: Uint8Array,
  secret: Uint8Array,
  { encryptWithLabel }: LabelledCrypto,
): readonly HpkeCiphertext[] | undefined => {
  const encrypted: HpkeCiphertext[] = [];
  for (const { encryptionKey } of leaves) {
    const one = encryptWithLabel(encryptionKey, COMMIT_SECRET_LABEL, context, secret);
    if (one === undefined) return undefined;
    encrypted.push(one);
  }
  return encrypted;
};

/** Makes a commit and the state after it, or returns `undefined` if a key of the group cannot be used. */
export const stageCommit = (
  group: PublicGroup,
  { device, index, removed, authenticatedData, initSecret, externalInit }: CommitProposal,
  { suite, hpke, labelled, keySchedule }: StarCrypto,
): StagedCommit<StarState> | undefined => {
  const encryptionKey = hpke.generateKeyPair();
  const commitSecret = suite.randomBytes(SECRET_BYTES);
  const leaf = createLeaf(device, index, encryptionKey.publicKey, suite);
  const recipients = withoutLeaves(group.leaves, [...removed, index]);
  const leaves = withLeaf(recipients, leaf);
  const rosterHash = hashLeaves(leaves, suite.sha256);
  const context = formatEncryptionContext(group, rosterHash);
  const encryptedSecrets = encryptToAll(recipients, context, commitSecret, labelled);
  if (encryptedSecrets === undefined) return undefined;

  const { groupId, epoch } = group;
  const content = formatCommitContent({
    groupId,
    epoch,
    removed,
    authenticatedData,
    leafNode: leaf,
    externalInit,
    encryptedSecrets,
  });
  const signature = labelled.signWithLabel(device, 'commit', formatSignedCommit(group, content));
  const confirmedTranscriptHash = hashTranscript(group, content, signature, suite.sha256);
  const next = { groupId, epoch: epoch + 1, leaves, rosterHash, confirmedTranscriptHash };
  const secrets = keySchedule.deriveEpoch(initSecret, commitSecret, formatGroupContext(next));
  const confirmationTag = suite.hmac(secrets.confirmationKey, confirmedTranscriptHash);
  return {
    commit: formatCommit(content, signature, confirmationTag),
    state: { group: { ...next, confirmationTag }, leaf: index, encryptionKey, secrets: retained(secrets) },
  };
};

/** Derives the state after a commit of another member, or returns why it is invalid. */
export const applyCommit = (
  state: StarState,
  { recipients, encryptionContext, next }: VerifiedCommit,
  { encryptedSecrets, externalInit }: ParsedCommit,
  crypto: StarCrypto,
): StarState | CommitFailure => {
  const { labelled, keySchedule, suite } = crypto;
  const encrypted = encryptedSecrets[recipients.findIndex(({ index }) => index === state.leaf)];
  const commitSecret =
    encrypted &&
    labelled.decryptWithLabel(state.encryptionKey, COMMIT_SECRET_LABEL, encryptionContext, encrypted);
  const initSecret =
    externalInit === undefined
      ? state.secrets.initSecret
      : keySchedule.openExternalInit(externalKeyPair(state, crypto), externalInit);
  if (commitSecret === undefined || initSecret === undefined) return 'invalid commit secret';
  const secrets = keySchedule.deriveEpoch(initSecret, commitSecret, formatGroupContext(next));
  const confirmationTag = suite.hmac(secrets.confirmationKey, next.confirmedTranscriptHash);
  return equalBytes(confirmationTag, next.confirmationTag)
    ? { ...state, group: next, secrets: retained(secrets) }
    : 'invalid confirmation tag';
};
