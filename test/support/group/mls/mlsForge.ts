import { type ClientState, type Commit, encodeMlsMessage, type LeafNode, type PublicMessage } from 'ts-mls';
import { createMembershipTag } from 'ts-mls/authenticatedContent.js';
import { createContentCommitSignature, toTbs } from 'ts-mls/framedContent.js';
import { signLeafNodeCommit } from 'ts-mls/leafNode.js';
import type { Device } from '../../../../streams/client/group/index.js';
import type { CommitForge } from '../commitForge.js';
import type { MlsCrypto } from './ciphersuite.js';
import { type ParsedMlsCommit, parseMlsCommit } from './mlsCommit.js';

const NO_KEY = new Uint8Array(0);

/** What a dishonest committer changes in the parts of a commit of MLS. */
export interface MlsChange {
  readonly commit?: (commit: Commit) => Commit;
  readonly leaf?: Partial<
    Pick<LeafNode, 'hpkePublicKey' | 'signaturePublicKey' | 'credential' | 'capabilities' | 'extensions'>
  >;
  readonly authenticatedData?: Uint8Array;
}

const parse = (bytes: Uint8Array): ParsedMlsCommit => {
  const parsed = parseMlsCommit(bytes);
  if (parsed === undefined) throw new TypeError('not a commit');
  return parsed;
};

/** Changes a commit and signs it, its leaf and its membership tag again. The confirmation tag stays. */
export const alterMlsCommit = async (
  { groupContext, keySchedule }: ClientState,
  bytes: Uint8Array,
  { commit = (same) => same, leaf, authenticatedData }: MlsChange,
  signer: Pick<Device, 'sign'>,
  { ciphersuite }: MlsCrypto,
  leafIndex: number,
): Promise<Uint8Array> => {
  const { content, auth, path } = parse(bytes);
  const { hash, signature: scheme } = ciphersuite(signer);
  const leafNode = await signLeafNodeCommit(
    { ...path.leafNode, ...leaf, groupId: groupContext.groupId, leafIndex },
    NO_KEY,
    scheme,
  );
  const { framedContent, signature } = await createContentCommitSignature(
    groupContext,
    'mls_public_message',
    commit({ ...content.commit, path: { ...path, leafNode } }),
    content.sender,
    authenticatedData ?? content.authenticatedData,
    NO_KEY,
    scheme,
  );
  const signed = { ...auth, signature };
  const publicMessage: PublicMessage =
    content.sender.senderType === 'member'
      ? {
          content: framedContent,
          auth: signed,
          senderType: 'member',
          membershipTag: await createMembershipTag(
            keySchedule.membershipKey,
            { contentTbs: toTbs(framedContent, 'mls_public_message', groupContext), auth: signed },
            hash,
          ),
        }
      : { content: framedContent, auth: signed, senderType: content.sender.senderType };
  return encodeMlsMessage({ version: 'mls10', wireformat: 'mls_public_message', publicMessage });
};

/** The commit with other removals. */
export const withRemovals =
  (removed: readonly number[]) =>
  (commit: Commit): Commit => ({
    ...commit,
    proposals: [
      ...removed.map((each) => ({
        proposalOrRefType: 'proposal' as const,
        proposal: { proposalType: 'remove' as const, remove: { removed: each } },
      })),
      ...commit.proposals.filter(
        (each) => each.proposalOrRefType !== 'proposal' || each.proposal.proposalType !== 'remove',
      ),
    ],
  });

/** The commit with another output of the KEM of a newcomer. */
const withExternalInit =
  (kemOutput: Uint8Array) =>
  (commit: Commit): Commit => ({
    ...commit,
    proposals: commit.proposals.map((each) =>
      each.proposalOrRefType === 'proposal' && each.proposal.proposalType === 'external_init'
        ? { ...each, proposal: { ...each.proposal, externalInit: { kemOutput } } }
        : each,
    ),
  });

export const createMlsForge =
  (crypto: MlsCrypto): CommitForge<ClientState> =>
  (state, bytes, change, signer) => {
    const { removed, authenticatedData, signatureKey, encryptionKey, credential, externalInit } = change;
    const { sender } = parse(bytes);
    const free = state.ratchetTree.findIndex((node, at) => at % 2 === 0 && node === undefined);
    const leafIndex = sender ?? (free === -1 ? state.ratchetTree.length + 1 : free) / 2;
    return alterMlsCommit(
      state,
      bytes,
      {
        ...(removed !== undefined && { commit: withRemovals(removed) }),
        ...(externalInit !== undefined && { commit: withExternalInit(externalInit) }),
        ...(authenticatedData !== undefined && { authenticatedData }),
        leaf: {
          ...(signatureKey !== undefined && { signaturePublicKey: signatureKey }),
          ...(encryptionKey !== undefined && { hpkePublicKey: encryptionKey }),
          ...(credential !== undefined && {
            credential: { credentialType: 'basic' as const, identity: credential },
          }),
        },
      },
      signer,
      crypto,
      leafIndex,
    );
  };
