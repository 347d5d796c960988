import {
  type Commit as MlsCommit,
  decodeMlsMessage,
  encodeMlsMessage,
  type FramedContentAuthDataCommit,
  type FramedContentData,
  type GroupContext,
  type PublicMessage,
  type RatchetTree,
  type UpdatePath,
} from 'ts-mls';
import { nextEpochContext } from 'ts-mls/clientState.js';
import { verifyFramedContentSignature } from 'ts-mls/framedContent.js';
import { verifyLeafNodeSignature } from 'ts-mls/leafNode.js';
import { addLeafNode, filteredDirectPathAndCopathResolution, removeLeafNode } from 'ts-mls/ratchetTree.js';
import { treeHashRoot } from 'ts-mls/treeHash.js';
import { toLeafIndex } from 'ts-mls/treemath.js';
import { applyUpdatePath } from 'ts-mls/updatePath.js';
import { equalBytes } from '../../../../streams/client/group/bytes.js';
import type { Commit, CommitFailure, Member } from '../../../../streams/client/group/index.js';
import { isAscending, MAX_LEAVES } from '../../../../streams/client/group/starGroup.js';
import { toBase64url } from '../../../../streams/wire/index.js';
import { decodeAll, leafAt, membersOf, type MlsCrypto, publicKeysOf } from './ciphersuite.js';

/** The last epoch that a commit can end, as in the star engine. */
export const MAX_EPOCH: number = 2 ** 32 - 2;

type CommitContent = FramedContentData & { contentType: 'commit'; commit: MlsCommit };

/** A commit as it was sent: nothing is verified. */
export interface ParsedMlsCommit {
  readonly message: PublicMessage;
  readonly content: CommitContent;
  readonly auth: FramedContentAuthDataCommit;
  readonly path: UpdatePath;
  /** `undefined` for an external commit. */
  readonly sender: number | undefined;
  readonly removed: readonly number[];
  readonly epoch: number;
}

/** What the members of an epoch agree on: no secrets. */
export interface MlsGroup {
  readonly groupContext: GroupContext;
  readonly ratchetTree: RatchetTree;
  readonly confirmationTag: Uint8Array;
}

export type MlsCommitVerification =
  | { readonly kind: 'verified'; readonly commit: Commit; readonly next: MlsGroup }
  | { readonly kind: 'rejected'; readonly failure: CommitFailure };

/**
 * Parses a commit, or returns `undefined` if the bytes are not one. A commit has a path, all of its proposals by value,
 * and no proposals but removals and, from a newcomer, one external init.
 */
export const parseMlsCommit = (bytes: Uint8Array): ParsedMlsCommit | undefined => {
  const envelope = decodeAll(bytes, decodeMlsMessage, encodeMlsMessage);
  if (envelope?.wireformat !== 'mls_public_message') return undefined;
  const { content, auth } = envelope.publicMessage;
  if (content.contentType !== 'commit' || auth.contentType !== 'commit') return undefined;
  const { sender, commit, epoch } = content;
  if (sender.senderType !== 'member' && sender.senderType !== 'new_member_commit') return undefined;
  const proposals = commit.proposals.flatMap((each) =>
    each.proposalOrRefType === 'proposal' ? [each.proposal] : [],
  );
  const removed = proposals.flatMap((each) => (each.proposalType === 'remove' ? [each.remove.removed] : []));
  const inits = proposals.filter(({ proposalType }) => proposalType === 'external_init').length;
  const isExternal = sender.senderType === 'new_member_commit';
  if (
    commit.path === undefined ||
    commit.proposals.length !== removed.length + inits ||
    inits !== (isExternal ? 1 : 0) ||
    epoch > BigInt(MAX_EPOCH)
  )
    return undefined;
  return {
    message: envelope.publicMessage,
    content,
    auth,
    path: commit.path,
    sender: isExternal ? undefined : sender.leafIndex,
    removed,
    epoch: Number(epoch),
  };
};

/** Checks the committer's leaf. Returns its owner, or why it is invalid. */
const checkLeaf = (
  { path: { leafNode, nodes }, sender }: ParsedMlsCommit,
  group: MlsGroup,
  remaining: readonly Member[],
  { isPlain, isUsable, ownerOf }: MlsCrypto,
): Omit<Member, 'leaf'> | CommitFailure => {
  const keys = [leafNode.hpkePublicKey, ...nodes.map(({ hpkePublicKey }) => hpkePublicKey)];
  const isInUse = publicKeysOf(group.ratchetTree).some((key) => keys.some((each) => equalBytes(each, key)));
  if (!isPlain(leafNode) || isInUse || new Set(keys.map(String)).size < keys.length || !keys.every(isUsable))
    return 'invalid leaf';
  if (sender === undefined) {
    const device = toBase64url(leafNode.signaturePublicKey);
    if (remaining.length >= MAX_LEAVES || remaining.some((each) => each.device === device))
      return 'invalid leaf';
    return ownerOf(leafNode) ?? 'invalid credential';
  }
  const own = leafAt(group.ratchetTree, sender);
  const { credential } = leafNode;
  return own?.credential.credentialType === 'basic' &&
    credential.credentialType === 'basic' &&
    equalBytes(own.signaturePublicKey, leafNode.signaturePublicKey) &&
    equalBytes(own.credential.identity, credential.identity)
    ? (ownerOf(own) ?? 'invalid credential')
    : 'invalid leaf';
};

/** Verifies all of a commit that needs no secret, and computes the group after it: also newcomers can do it. */
export const verifyMlsCommit = async (
  group: MlsGroup,
  parsed: ParsedMlsCommit,
  crypto: MlsCrypto,
): Promise<MlsCommitVerification> => {
  const rejected = (failure: CommitFailure): MlsCommitVerification => ({ kind: 'rejected', failure });
  const { groupContext, ratchetTree } = group;
  const { content, path, removed, sender } = parsed;
  if (!equalBytes(content.groupId, groupContext.groupId)) return rejected('wrong group');
  if (content.epoch !== groupContext.epoch) return rejected('wrong epoch');

  const members = membersOf(ratchetTree, crypto);
  const removedMembers = members.filter(({ leaf }) => removed.includes(leaf));
  // The library does not return from removing a leaf that is not there, and cannot empty the tree.
  if (
    !isAscending(removed) ||
    removedMembers.length !== removed.length ||
    removed.length === members.length ||
    (sender === undefined ? removed.length > 1 : removed.includes(sender))
  )
    return rejected('invalid removal');

  const remaining = members.filter(({ leaf }) => !removed.includes(leaf));
  const owner = checkLeaf(parsed, group, remaining, crypto);
  if (typeof owner === 'string') return rejected(owner);

  const remainingTree = removed.reduce((tree, leaf) => removeLeafNode(tree, toLeafIndex(leaf)), ratchetTree);
  const [tree, node] =
    sender === undefined ? addLeafNode(remainingTree, path.leafNode) : [remainingTree, sender * 2];
  const leaf = node / 2;
  const { hash, signature } = crypto.ciphersuite();
  if (
    !(await verifyLeafNodeSignature(path.leafNode, groupContext.groupId, leaf, signature)) ||
    !(await verifyFramedContentSignature(
      path.leafNode.signaturePublicKey,
      'mls_public_message',
      content,
      parsed.auth,
      groupContext,
      signature,
    ))
  )
    return rejected('invalid signature');

  const nextTree = await applyPath(tree, leaf, parsed, crypto);
  if (nextTree === undefined) return rejected('malformed');
  return {
    kind: 'verified',
    commit: {
      epoch: parsed.epoch,
      isExternal: sender === undefined,
      committer: { leaf, ...owner },
      removed: removedMembers,
      authenticatedData: content.authenticatedData,
    },
    next: {
      groupContext: await nextEpochContext(
        groupContext,
        'mls_public_message',
        content,
        parsed.auth.signature,
        await treeHashRoot(nextTree, hash),
        group.confirmationTag,
        hash,
      ),
      ratchetTree: nextTree,
      confirmationTag: parsed.auth.confirmationTag,
    },
  };
};

/** Puts the keys of a path into the tree, or returns `undefined` if the path does not fit. */
const applyPath = async (
  tree: RatchetTree,
  leaf: number,
  { path, sender }: ParsedMlsCommit,
  { ciphersuite }: MlsCrypto,
): Promise<RatchetTree | undefined> => {
  const expected = filteredDirectPathAndCopathResolution(toLeafIndex(leaf), tree);
  const fits = expected.map(({ resolution }) => resolution.length);
  if (String(fits) !== String(path.nodes.map(({ encryptedPathSecret }) => encryptedPathSecret.length)))
    return undefined;
  try {
    return await applyUpdatePath(tree, toLeafIndex(leaf), path, ciphersuite().hash, sender === undefined);
  } catch {
    return undefined;
  }
};
