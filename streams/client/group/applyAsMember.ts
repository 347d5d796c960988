import { toBase64url } from '../../wire/encoding.js';
import { equalBytes } from './bytes.js';
import type { GroupInfo } from './engine.js';
import { enterEpoch, type EpochStart, withDeviceHandshake } from './enterEpoch.js';
import { formatGroupInfoData, formatUpdateData, parseGroupInfoData } from './groupInfoData.js';
import type { CommitFrame, ExternalMessageFrame, MessageFrame } from './frame.js';
import { type GroupContext, readExternalMessage, readMessage } from './groupEpoch.js';
import type { FrameEntry, GroupEvent, MemberState, RejectionReason, Step } from './groupState.js';
import type { PendingHandshake } from './pendingHandshake.js';
import { applyLeave } from './leaving.js';
import { signerOf } from './members.js';
import { messageEvent, voidEvent } from './messageEvent.js';
import { pastEpochsAfter } from './pastEpochs.js';
import {
  behind,
  findJoin,
  followAhead,
  isFollowed,
  isMove,
  leaveRemoved,
  missCommit,
  refuseCommit,
  refusalOf,
  verifyAhead,
  withAhead,
} from './missedCommit.js';

/** Applies an entry to the state of a member. */
export const applyAsMember = <State, Info extends GroupInfo>(
  context: GroupContext<State, Info>,
  state: MemberState<State, Info>,
  entry: FrameEntry,
): Step<State, Info> => {
  const { position, frame } = entry;
  if (state.hasMoved) return { state, events: [{ type: 'void', position }] };
  switch (frame.type) {
    case 'message':
    case 'externalMessage':
      return applyMessage(context, state, entry, frame);
    case 'create':
    case 'groupInfo':
      return applyGroupInfo(context, state, position, frame.groupInfo);
    case 'commit':
      return applyCommit(context, state, entry, frame);
    case 'leave':
      return applyLeave(context, state, position, frame);
  }
};

const applyMessage = <State, Info extends GroupInfo>(
  context: GroupContext<State, Info>,
  state: MemberState<State, Info>,
  { position, token }: FrameEntry,
  frame: MessageFrame | ExternalMessageFrame,
): Step<State, Info> => {
  const { view } = state.epoch;
  const isOver = frame.epoch < view.epoch || (frame.epoch === view.epoch && state.endedAt !== undefined);
  if (isOver) return { state, events: [voidEvent(position, frame.epoch, state.firstEpoch)] };
  if (frame.epoch > view.epoch) return behind(state, position, frame.epoch);
  const { epoch, message } =
    frame.type === 'message'
      ? readMessage(context, state.epoch, frame)
      : readExternalMessage(context, state.epoch, frame);
  return { state: { ...state, epoch }, events: [messageEvent(position, token, message)] };
};

const reject = <State, Info extends GroupInfo>(
  state: MemberState<State, Info>,
  position: number,
  reason: RejectionReason,
): Step<State, Info> => ({ state, events: [{ type: 'rejected', position, reason }] });

/** Notes whether newcomers find a right group info in this log, and whether the other members are ahead. */
const applyGroupInfo = <State, Info extends GroupInfo>(
  { engine }: GroupContext<State, Info>,
  state: MemberState<State, Info>,
  position: number,
  bytes: Uint8Array,
): Step<State, Info> => {
  const { epoch } = state;
  const events: GroupEvent[] = [{ type: 'handshake', position }];
  const info = engine.parseGroupInfo(bytes);
  if (info === undefined || !equalBytes(info.groupId, epoch.view.groupId))
    return reject(state, position, 'invalid group info');
  const data = parseGroupInfoData(info.applicationData);
  const isRight =
    data !== undefined &&
    data.position < position &&
    engine.isGroupInfoOf(epoch.engineState, bytes, formatGroupInfoData(epoch, data.position));
  if (isRight) {
    const needsGroupInfo = state.needsGroupInfo && data.position < state.groupInfoNeededAt;
    const lastGroupInfo = { position, epoch: epoch.view.epoch };
    return { state: { ...state, lastGroupInfo, needsGroupInfo }, events };
  }
  // Newcomers may have taken it, so they need a right one.
  const needsGroupInfo = state.endedAt === undefined;
  const next = { ...state, needsGroupInfo, groupInfoNeededAt: position };
  const signer = signerOf(info);
  const isSignedByMember = epoch.view.members.some(
    ({ device, leaf }) => device === signer && leaf !== epoch.view.leaf,
  );
  if (info.epoch <= epoch.view.epoch || !isSignedByMember) return { state: next, events };
  return behind(withAhead(next, info, data?.origin), position, info.epoch);
};

const applyCommit = <State, Info extends GroupInfo>(
  context: GroupContext<State, Info>,
  state: MemberState<State, Info>,
  entry: FrameEntry,
  frame: CommitFrame,
): Step<State, Info> => {
  const { epoch, pending, ahead } = state;
  if (pending?.frame.type !== 'commit' || !equalBytes(pending.frame.commit, frame.commit))
    return applyOtherCommit(context, state, entry, frame);
  const isPossible =
    pending.commit?.isExternal === true
      ? pending.baseEpoch === ahead?.epoch
      : pending.baseEpoch === epoch.view.epoch && state.endedAt === undefined;
  if (isPossible) return applyOwnCommit(context, state, entry, frame, { handshake: pending, isOwn: true });
  // It is in the log and does not count. Another one has to be staged.
  return applyOtherCommit(context, { ...state, pending: undefined }, entry, frame);
};

/** Applies a commit that this process did not stage, or that lost. */
const applyOtherCommit = <State, Info extends GroupInfo>(
  context: GroupContext<State, Info>,
  state: MemberState<State, Info>,
  entry: FrameEntry,
  frame: CommitFrame,
): Step<State, Info> => {
  const { engine } = context;
  const { epoch } = state;
  const { position } = entry;
  const header = engine.parseCommitHeader(frame.commit);
  if (header === undefined) return reject(state, position, 'malformed');
  if (!equalBytes(header.groupId, epoch.view.groupId)) return reject(state, position, 'wrong group');
  if (header.epoch < epoch.view.epoch)
    return { state, events: [voidEvent(position, header.epoch, state.firstEpoch)] };
  if (header.epoch > epoch.view.epoch) {
    const followed = verifyAhead(context, state, frame);
    if (followed === undefined) return behind(state, position, header.epoch);
    const join = findJoin(context, frame, followed);
    if (join === 'removed') return leaveRemoved(position, undefined);
    if (join !== undefined)
      return applyOwnCommit(context, state, entry, frame, { handshake: join, isOwn: false });
    return followAhead(context, state, position, followed);
  }
  if (state.endedAt !== undefined)
    return { state, events: [voidEvent(position, header.epoch, state.firstEpoch)] };

  const result = engine.processCommit(epoch.engineState, frame.commit);
  const { commit } = result;
  if (commit?.committer.device === toBase64url(context.device.publicKey)) {
    // Another process of this device may have staged it.
    const other = context.findHandshake?.(frame.commit);
    if (other === 'removed') return leaveRemoved(position, undefined);
    if (other?.baseEpoch === epoch.view.epoch)
      return applyOwnCommit(context, state, entry, frame, { handshake: other, isOwn: false });
  }
  if (commit === undefined)
    return reject(state, position, result.kind === 'rejected' ? result.failure : 'malformed');
  const refusal = refusalOf(context, state, position, commit);
  if (refusal !== undefined)
    return refuseCommit(context, state, position, { frame, commit, reason: refusal });
  switch (result.kind) {
    case 'rejected':
      return missCommit(context, state, position, { frame, commit, reason: result.failure });
    case 'removed':
      if (!isFollowed(context, state, frame, commit))
        return reject(state, position, 'invalid group info update');
      return leaveRemoved(position, commit.committer);
    case 'accepted':
      return enter(context, state, entry, frame, {
        state: result.state,
        commit,
        inviteSecret: undefined,
        isOwn: false,
      });
  }
};

/** Applies a commit that this process staged, or another one of the same device. */
const applyOwnCommit = <State, Info extends GroupInfo>(
  context: GroupContext<State, Info>,
  state: MemberState<State, Info>,
  entry: FrameEntry,
  frame: CommitFrame,
  { handshake, isOwn }: { readonly handshake: PendingHandshake<State>; readonly isOwn: boolean },
): Step<State, Info> => {
  const { position, timeMs } = entry;
  const { state: nextState, commit, inviteSecret } = handshake;
  // A device that joins again does not know how the epoch of the others began. No rule for joins depends on it.
  const reason =
    commit === undefined || commit.isExternal ? undefined : refusalOf(context, state, position, commit);
  if (reason !== undefined) return reject({ ...state, pending: undefined }, position, reason);
  const step = enter(context, state, entry, frame, { state: nextState, commit, inviteSecret, isOwn });
  return step.state === state
    ? step
    : { ...step, state: withDeviceHandshake(context, step.state, handshake, timeMs) };
};

/** Begins the next epoch, unless newcomers reject the commit: then it counts for nobody. */
const enter = <State, Info extends GroupInfo>(
  context: GroupContext<State, Info>,
  state: MemberState<State, Info>,
  { position, timeMs }: FrameEntry,
  frame: CommitFrame,
  start: Pick<EpochStart<State>, 'state' | 'commit' | 'inviteSecret' | 'isOwn'>,
): Step<State, Info> => {
  const { sealedInviteSecret, groupInfoUpdate } = frame;
  const { commit } = start;
  const { hasGroupInfo, ...step } = enterEpoch(context, state, {
    ...start,
    position,
    pastEpochs: pastEpochsAfter(context, state, position, timeMs),
    sealedInviteSecret,
    lastGroupInfo: state.lastGroupInfo,
    hasGroupInfo: (next) =>
      context.engine.isGroupInfoUpdateOf(start.state, groupInfoUpdate, formatUpdateData(next)),
  });
  // A right update is a valid one. Only another one has to be verified as newcomers do, which takes longer.
  const isValid = commit === undefined || (hasGroupInfo && !isMove(commit));
  if (isValid || isFollowed(context, state, frame, commit)) return step;
  return reject(state, position, 'invalid group info update');
};
