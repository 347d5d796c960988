import { toBase64url } from '../../wire/encoding.js';
import { formatCommitData, inviteSecretMessage, NO_COMMIT_DATA, type RemovalGrant } from './commitData.js';
import type { Plaintext } from '../envelope/cipher.js';
import type { Commit, GroupInfo, Member } from './engine.js';
import { formatGroupInfoData, formatUpdateData } from './groupInfoData.js';
import type { CommitFrame, CreateFrame, GroupInfoFrame } from './frame.js';
import { beginEpoch, type GroupContext } from './groupEpoch.js';
import type { MemberState, NewcomerState } from './groupState.js';
import { memberOfLeaf } from './members.js';
import { type CommitRefusal, commitRefusal } from './rules.js';
import { sealToBytes } from './tokenBytes.js';

/** A handshake to send, and the state that waits for its echo. The state has to be stored before the frame is sent. */
export interface StagedHandshake<State, Frame> {
  readonly state: State;
  readonly frame: Frame;
}

const EMPTY = new Uint8Array(0);
const NO_START = { committer: undefined, start: 0 };

/** Stages the creation of a group. The caller made its id, and the context names its hash. */
export const stageGroup = <State, Info extends GroupInfo>(
  context: GroupContext<State, Info>,
  state: NewcomerState<State, Info>,
  groupId: Uint8Array,
): StagedHandshake<NewcomerState<State, Info>, CreateFrame> => {
  const { engine, device } = context;
  const created = engine.createGroup(groupId, device);
  const { epoch } = beginEpoch(context, created, NO_START);
  const groupInfo = engine.formatGroupInfo(created, device, formatGroupInfoData(epoch, 0));
  const frame = { type: 'create', groupInfo } as const;
  const pending = { frame, baseEpoch: 0, state: created, commit: undefined, inviteSecret: undefined };
  return { state: { ...state, pending }, frame };
};

export interface CommitRequest {
  /** The leaves to remove. */
  readonly remove?: readonly number[];
  /** The creator's permission to remove them. Those who leave need none. */
  readonly grant?: RemovalGrant | undefined;
  /** The secret of the next invite, if the room moves to it: 32 random bytes. */
  readonly inviteSecret?: Uint8Array;
}

/** Stages a commit of a member, or returns why no member would apply it. */
export const stageCommit = <State, Info extends GroupInfo>(
  context: GroupContext<State, Info>,
  state: MemberState<State, Info>,
  { remove = [], grant, inviteSecret }: CommitRequest,
): StagedHandshake<MemberState<State, Info>, CommitFrame> | CommitRefusal => {
  const { engine, suite, cipher, device } = context;
  const { engineState, view, committer } = state.epoch;
  const inviteSecretHash = inviteSecret && suite.sha256(inviteSecretMessage(inviteSecret));
  const removed = view.members.filter(({ leaf }) => remove.includes(leaf));
  const leaves = state.leaving.filter(({ device: key }) =>
    removed.some((each) => each.device === toBase64url(key)),
  );
  const authenticatedData = formatCommitData({ grant, leaves, inviteSecretHash });
  const commit: Commit = {
    epoch: view.epoch,
    isExternal: false,
    committer: memberOfLeaf(view.members, view.leaf),
    removed,
    authenticatedData,
  };
  // Only its position decides whether it follows too soon.
  const refusal = commitRefusal({ ...view, committer, entriesInEpoch: Infinity }, commit, suite.ed25519);
  if (refusal !== undefined) return refusal;
  const staged = engine.createCommit(engineState, device, { remove, authenticatedData });
  const { epoch, inviteSecretKey } = beginEpoch(context, staged.state, NO_START);
  const groupInfoUpdate =
    inviteSecret === undefined
      ? engine.formatGroupInfoUpdate(staged.state, device, formatUpdateData(epoch))
      : EMPTY;
  const sealedInviteSecret =
    inviteSecret === undefined ? EMPTY : sealToBytes(cipher, inviteSecretKey, inviteSecret as Plaintext, 0);
  const frame = { type: 'commit', commit: staged.commit, groupInfoUpdate, sealedInviteSecret } as const;
  const pending = { frame, baseEpoch: view.epoch, state: staged.state, commit, inviteSecret };
  return { state: { ...state, pending }, frame };
};

/**
 * Stages the commit by which this device joins, or returns why it cannot.
 *
 * A member joins again if the others are ahead of it. It then takes its own place, as does a newcomer that is listed.
 */
export const stageJoin = <State, Info extends GroupInfo>(
  context: GroupContext<State, Info>,
  state: NewcomerState<State, Info> | MemberState<State, Info>,
):
  | StagedHandshake<NewcomerState<State, Info> | MemberState<State, Info>, CommitFrame>
  | CommitRefusal
  | 'no group info yet' => {
  const { engine, suite, device } = context;
  const groupInfo = state.phase === 'member' ? state.ahead : state.groupInfo;
  if (groupInfo === undefined) return 'no group info yet';
  const authenticatedData = formatCommitData(NO_COMMIT_DATA);
  const own = toBase64url(device.publicKey);
  const isResync = groupInfo.members.some(({ device: key }) => key === own);
  const staged = engine.createExternalCommit(groupInfo, device, { isResync, authenticatedData });
  if (staged === undefined) return 'the device is a member';
  const { epoch } = beginEpoch(context, staged.state, NO_START);
  const { members, leaf } = epoch.view;
  const committer = memberOfLeaf(members, leaf);
  const isReplaced = (former: Member): boolean =>
    former.device === committer.device || !members.some(({ device: key }) => key === former.device);
  const commit: Commit = {
    epoch: groupInfo.epoch,
    isExternal: true,
    committer,
    removed: groupInfo.members.filter(isReplaced),
    authenticatedData,
  };
  const commitContext = { ...groupInfo, committer: undefined, entriesInEpoch: Infinity };
  const refusal = commitRefusal(commitContext, commit, suite.ed25519);
  if (refusal !== undefined) return refusal;
  const groupInfoUpdate = engine.formatGroupInfoUpdate(staged.state, device, formatUpdateData(epoch));
  const frame = {
    type: 'commit',
    commit: staged.commit,
    groupInfoUpdate,
    sealedInviteSecret: EMPTY,
  } as const;
  const pending = { frame, baseEpoch: groupInfo.epoch, state: staged.state, commit, inviteSecret: undefined };
  return { state: { ...state, pending }, frame };
};

/** Formats the group info of this epoch, for newcomers that find none in the log. */
export const createGroupInfoFrame = <State, Info extends GroupInfo>(
  { engine, device }: GroupContext<State, Info>,
  { epoch, position }: MemberState<State, Info>,
): GroupInfoFrame => ({
  type: 'groupInfo',
  groupInfo: engine.formatGroupInfo(epoch.engineState, device, formatGroupInfoData(epoch, position)),
});
