import { equalBytes } from './bytes.js';
import type { CryptoSuite } from './cryptoSuite.js';
import type { Device, GroupEngine } from './engine.js';
import { createHpke } from './hpke.js';
import { createKeySchedule } from './keySchedule.js';
import { createLabelledCrypto, SECRET_BYTES } from './labels.js';
import { parseCommit, verifyCommit } from './starCommit.js';
import { findDevice, lowestFreeIndex, MAX_LEAVES, withoutLeaves } from './starGroup.js';
import {
  applyGroupInfoUpdate,
  formatGroupInfo,
  formatGroupInfoUpdate,
  parseGroupInfo,
  type StarGroupInfo,
  updateOfGroupInfo,
} from './starGroupInfo.js';
import { formatState, parseState, type StarState } from './starState.js';
import {
  applyCommit,
  createFirstState,
  createLeaf,
  externalKeyPair,
  type StarCrypto,
  stageCommit,
} from './starTransition.js';

const EMPTY = new Uint8Array(0);

/**
 * Creates the engine of group rooms. Each commit has a fresh secret, which the committer encrypts to every other leaf by
 * HPKE: a star instead of the tree of MLS. The key schedule, the transcript, the confirmation tag and the external
 * commit are those of MLS (RFC 9420).
 *
 * The work and the size of a commit grow with the number of leaves; the work to process one hardly does.
 */
export const createStarEngine = (suite: CryptoSuite): GroupEngine<StarState, StarGroupInfo> => {
  const hpke = createHpke(suite);
  const labelled = createLabelledCrypto(suite, hpke);
  const keySchedule = createKeySchedule(suite, hpke);
  const crypto: StarCrypto = { suite, hpke, labelled, keySchedule };

  const formatUpdate = (state: StarState, device: Device, applicationData: Uint8Array): Uint8Array =>
    formatGroupInfoUpdate(
      state.group,
      { externalKey: externalKeyPair(state, crypto).publicKey, applicationData, signer: state.leaf },
      device,
      labelled,
    );

  const isUpdateOf = (state: StarState, bytes: Uint8Array, applicationData: Uint8Array): boolean => {
    const info = applyGroupInfoUpdate(state.group, bytes, labelled);
    return (
      info !== undefined &&
      equalBytes(info.externalKey, externalKeyPair(state, crypto).publicKey) &&
      equalBytes(info.applicationData, applicationData)
    );
  };

  return {
    name: 'star',

    createGroup: (groupId, device) => createFirstState(groupId, device, crypto),

    createCommit: ({ group, leaf, secrets }, device, { remove = [], authenticatedData = EMPTY } = {}) => {
      const removed = [...new Set(remove)].sort((one, other) => one - other);
      const isThere = (index: number): boolean => group.leaves.some((each) => each.index === index);
      if (removed.includes(leaf) || !removed.every(isThere))
        throw new TypeError('a commit removes other leaves of the group');
      if (findDevice(group.leaves, device.publicKey)?.index !== leaf)
        throw new TypeError('the state is of another device');
      const { initSecret } = secrets;
      const staged = stageCommit(
        group,
        { device, index: leaf, removed, authenticatedData, initSecret, externalInit: undefined },
        crypto,
      );
      // All keys were tested when they arrived.
      if (staged === undefined) throw new TypeError('a key of the group cannot be used');
      return staged;
    },

    createExternalCommit: (groupInfo, device, { isResync = false, authenticatedData = EMPTY } = {}) => {
      const own = createLeaf(device, 0, EMPTY, suite).member;
      const removed = isResync
        ? groupInfo.members
            .filter(
              ({ identity, label, device: key }) =>
                identity === own.identity && (label === own.label || key === own.device),
            )
            .map(({ leaf }) => leaf)
        : [];
      const remaining = withoutLeaves(groupInfo.leaves, removed);
      if (findDevice(remaining, device.publicKey) !== undefined || remaining.length >= MAX_LEAVES)
        return undefined;
      const init = keySchedule.createExternalInit(groupInfo.externalKey);
      return (
        init &&
        stageCommit(
          groupInfo,
          {
            device,
            index: lowestFreeIndex(remaining),
            removed,
            authenticatedData,
            initSecret: init.initSecret,
            externalInit: init.kemOutput,
          },
          crypto,
        )
      );
    },

    processCommit: (state, bytes) => {
      const parsed = parseCommit(bytes);
      if (parsed === undefined) return { kind: 'rejected', failure: 'malformed' };
      const verified = verifyCommit(state.group, parsed, suite, labelled);
      if (verified.kind === 'rejected') return verified;
      const { commit } = verified;
      if (parsed.removed.includes(state.leaf)) return { kind: 'removed', commit };
      if (commit.committer.leaf === state.leaf) return { kind: 'rejected', failure: 'own commit', commit };
      const next = applyCommit(state, verified, parsed, crypto);
      return typeof next === 'string'
        ? { kind: 'rejected', failure: next, commit }
        : { kind: 'accepted', commit, state: next };
    },

    parseCommitHeader: (bytes) => {
      const parsed = parseCommit(bytes);
      return parsed && { groupId: parsed.groupId, epoch: parsed.epoch };
    },

    formatGroupInfo: (state, device, applicationData = EMPTY) =>
      formatGroupInfo(state.group, formatUpdate(state, device, applicationData)),

    parseGroupInfo: (bytes) => parseGroupInfo(bytes, suite, labelled),

    isGroupInfoOf: (state, bytes, applicationData = EMPTY) => {
      const update = updateOfGroupInfo(state.group, bytes);
      return update !== undefined && isUpdateOf(state, update, applicationData);
    },

    formatGroupInfoUpdate: (state, device, applicationData = EMPTY) =>
      formatUpdate(state, device, applicationData),

    isGroupInfoUpdateOf: (state, bytes, applicationData = EMPTY) => isUpdateOf(state, bytes, applicationData),

    followCommit: (groupInfo, bytes, update) => {
      const parsed = parseCommit(bytes);
      if (parsed === undefined) return { kind: 'rejected', failure: 'malformed' };
      const verified = verifyCommit(groupInfo, parsed, suite, labelled);
      if (verified.kind === 'rejected') return verified;
      const next = applyGroupInfoUpdate(verified.next, update, labelled);
      return next === undefined
        ? { kind: 'rejected', failure: 'invalid group info update', commit: verified.commit }
        : { kind: 'accepted', commit: verified.commit, groupInfo: next };
    },

    view: ({ group, leaf, secrets }) => ({
      groupId: group.groupId,
      epoch: group.epoch,
      members: group.leaves.map(({ member }) => member),
      leaf,
      epochAuthenticator: secrets.epochAuthenticator,
    }),

    exportSecret: ({ secrets }, label, context, lengthBytes = SECRET_BYTES) => {
      if (secrets.exporterSecret === undefined) throw new Error('the exporter secret was dropped');
      return keySchedule.exportSecret(secrets.exporterSecret, label, context, lengthBytes);
    },

    dropExporterSecret: (state) => ({
      ...state,
      secrets: { ...state.secrets, exporterSecret: undefined },
    }),

    formatState,
    parseState: (bytes) => parseState(bytes, suite),
  };
};
