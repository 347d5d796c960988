import {
  type ClientState,
  createCommit,
  createGroup,
  emptyPskIndex,
  encodeMlsMessage,
  joinGroupExternal,
  mlsExporter,
} from 'ts-mls';
import type { CryptoSuite } from '../../../../streams/client/group/index.js';
import { SECRET_BYTES } from '../../../../streams/client/group/labels.js';
import { MAX_LEAVES } from '../../../../streams/client/group/starGroup.js';
import { toBase64url } from '../../../../streams/wire/index.js';
import type { AsyncGroupEngine } from '../testedEngine.js';
import { createMlsCrypto, membersOf, type MlsCryptoOptions, publicKeysOf } from './ciphersuite.js';
import { parseMlsCommit, verifyMlsCommit } from './mlsCommit.js';
import {
  applyMlsGroupInfoUpdate,
  formatMlsGroupInfo,
  formatMlsGroupInfoUpdate,
  groupOf,
  isMlsGroupInfoOf,
  isMlsGroupInfoUpdateOf,
  type MlsGroupInfo,
  parseMlsGroupInfo,
  treeOf,
} from './mlsGroupInfo.js';
import {
  formatMlsState,
  hasExporterSecret,
  parseMlsState,
  pruneState,
  withoutExporterSecret,
} from './mlsState.js';
import {
  applyMlsCommit,
  createKeyPackage,
  equalContexts,
  findReplaced,
  isMembershipTagValid,
} from './mlsTransition.js';

const EMPTY = new Uint8Array(0);
/**
 * Creates an engine of MLS (RFC 9420) by the library ts-mls, with which tests compare the star engine.
 *
 * It accepts only the part of MLS that the star engine has: external commits, updates and removals, as public messages
 * with a path. What the library does not check is checked here. An external commit replaces at most
 * one leaf, and not the only one.
 */
export const createMlsEngine = async (
  suite: CryptoSuite,
  options?: MlsCryptoOptions,
): Promise<AsyncGroupEngine<ClientState, MlsGroupInfo>> => {
  const crypto = await createMlsCrypto(suite, options);
  const { ciphersuite, clientConfig, isUsable } = crypto;

  return {
    name: 'mls',

    createGroup: async (groupId, device) => {
      const { publicPackage, privatePackage } = await createKeyPackage(device, crypto);
      const state = await createGroup(
        groupId,
        publicPackage,
        privatePackage,
        [],
        ciphersuite(device),
        clientConfig,
      );
      return pruneState(state, crypto);
    },

    createCommit: async (state, device, { remove = [], authenticatedData = EMPTY } = {}) => {
      const removed = [...new Set(remove)].sort((one, other) => one - other);
      const members = membersOf(state.ratchetTree, crypto);
      const { leafIndex } = state.privatePath;
      const isThere = (index: number): boolean => members.some(({ leaf }) => leaf === index);
      if (removed.includes(leafIndex) || !removed.every(isThere))
        throw new TypeError('a commit removes other leaves of the group');
      const own = members.find(({ leaf }) => leaf === leafIndex);
      if (own?.device !== toBase64url(device.publicKey))
        throw new TypeError('the state is of another device');
      const { newState, commit } = await createCommit(
        { state, cipherSuite: ciphersuite(device), pskIndex: emptyPskIndex },
        {
          wireAsPublicMessage: true,
          extraProposals: removed.map((each) => ({ proposalType: 'remove', remove: { removed: each } })),
          authenticatedData,
        },
      );
      const bytes = encodeMlsMessage(commit);
      // Earlier versions of the library removed members without a path, and so without a new secret.
      if (parseMlsCommit(bytes) === undefined) throw new Error('the library made a commit without a path');
      return { commit: bytes, state: pruneState(newState, crypto) };
    },

    createExternalCommit: async ({ message, members }, device, options = {}) => {
      const { isResync = false, authenticatedData = EMPTY } = options;
      const { owner, publicPackage, privatePackage } = await createKeyPackage(device, crypto);
      const replaced = isResync ? findReplaced(members, owner) : undefined;
      const remaining = members.filter((each) => each !== replaced);
      const externalKey = message.extensions.find(({ extensionType }) => extensionType === 'external_pub');
      const keys = [externalKey?.extensionData ?? EMPTY, ...publicKeysOf(treeOf(message))];
      if (
        remaining.some((each) => each.device === owner.device) ||
        remaining.length >= MAX_LEAVES ||
        // The library cannot replace the only leaf.
        remaining.length === 0 ||
        !keys.every(isUsable)
      )
        return undefined;
      const { publicMessage, newState } = await joinGroupExternal(
        message,
        publicPackage,
        privatePackage,
        // Without a leaf to replace, the library does not return from a resync.
        replaced !== undefined,
        ciphersuite(device),
        undefined,
        {
          ...clientConfig,
          keyPackageEqualityConfig: {
            ...clientConfig.keyPackageEqualityConfig,
            compareKeyPackageToLeafNode: (_keyPackage, leaf) =>
              toBase64url(leaf.signaturePublicKey) === replaced?.device,
          },
        },
        authenticatedData,
      );
      return {
        commit: encodeMlsMessage({ version: 'mls10', wireformat: 'mls_public_message', publicMessage }),
        state: pruneState(newState, crypto),
      };
    },

    processCommit: async (state, bytes) => {
      const parsed = parseMlsCommit(bytes);
      if (parsed === undefined) return { kind: 'rejected', failure: 'malformed' };
      const verified = await verifyMlsCommit(state, parsed, crypto);
      if (verified.kind === 'rejected') return verified;
      const { commit } = verified;
      // Newcomers cannot verify this tag either.
      if (!(await isMembershipTagValid(state, parsed, crypto)))
        return { kind: 'rejected', failure: 'invalid confirmation tag', commit };
      const { leafIndex } = state.privatePath;
      if (parsed.removed.includes(leafIndex)) return { kind: 'removed', commit };
      if (commit.committer.leaf === leafIndex) return { kind: 'rejected', failure: 'own commit', commit };
      const next = await applyMlsCommit(state, parsed.message, crypto);
      if (typeof next === 'string') return { kind: 'rejected', failure: next, commit };
      // Newcomers compute the group by the same function: nobody may follow into another group than the members.
      if (!equalContexts(next.groupContext, verified.next.groupContext))
        throw new Error('the library computed another group than a newcomer would');
      return { kind: 'accepted', commit, state: next };
    },

    parseCommitHeader: (bytes) => {
      const parsed = parseMlsCommit(bytes);
      return Promise.resolve(parsed && { groupId: parsed.content.groupId, epoch: parsed.epoch });
    },

    formatGroupInfo: (state, device, applicationData = EMPTY) =>
      formatMlsGroupInfo(state, device, applicationData, crypto),
    parseGroupInfo: (bytes) => parseMlsGroupInfo(bytes, crypto),
    isGroupInfoOf: (state, bytes, applicationData = EMPTY) =>
      isMlsGroupInfoOf(state, bytes, applicationData, crypto),
    formatGroupInfoUpdate: (state, device, applicationData = EMPTY) =>
      formatMlsGroupInfoUpdate(state, device, applicationData, crypto),
    isGroupInfoUpdateOf: (state, bytes, applicationData = EMPTY) =>
      isMlsGroupInfoUpdateOf(state, bytes, applicationData, crypto),

    followCommit: async ({ message }, bytes, update) => {
      const parsed = parseMlsCommit(bytes);
      if (parsed === undefined) return { kind: 'rejected', failure: 'malformed' };
      const verified = await verifyMlsCommit(groupOf(message), parsed, crypto);
      if (verified.kind === 'rejected') return verified;
      const groupInfo = await applyMlsGroupInfoUpdate(verified.next, update, crypto);
      return groupInfo === undefined
        ? { kind: 'rejected', failure: 'invalid group info update', commit: verified.commit }
        : { kind: 'accepted', commit: verified.commit, groupInfo };
    },

    view: ({ groupContext, ratchetTree, privatePath, keySchedule }) =>
      Promise.resolve({
        groupId: groupContext.groupId,
        epoch: Number(groupContext.epoch),
        members: membersOf(ratchetTree, crypto),
        leaf: privatePath.leafIndex,
        epochAuthenticator: keySchedule.epochAuthenticator,
      }),

    exportSecret: async (state, label, context, lengthBytes = SECRET_BYTES) => {
      if (!hasExporterSecret(state)) throw new Error('the exporter secret was dropped');
      return mlsExporter(state.keySchedule.exporterSecret, label, context, lengthBytes, ciphersuite());
    },
    dropExporterSecret: (state) => Promise.resolve(withoutExporterSecret(state)),

    formatState: (state) => Promise.resolve(formatMlsState(state)),
    parseState: (bytes) => Promise.resolve(parseMlsState(bytes, crypto)),
  };
};
