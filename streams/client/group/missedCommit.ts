import { toBase64url } from '../../wire/encoding.js';
import { parseCommitData } from './commitData.js';
import type { Commit, GroupInfo, Member } from './engine.js';
import type { CommitFrame } from './frame.js';
import type { GroupContext } from './groupEpoch.js';
import {
  createWithdrawn,
  type GroupEvent,
  type MemberState,
  type RejectionReason,
  type Step,
} from './groupState.js';
import { type FoundHandshake, stillPossible } from './pendingHandshake.js';
import { type CommitRefusal, commitRefusal } from './rules.js';

// What everybody with the invite can verify of a commit decides whether it ends the epoch. So all members, and those who
// join, agree on the commits, also if one of them is invalid for some members.

/** Returns why a commit for the epoch of a member is not allowed, or `undefined` if it is. */
export const refusalOf = <State, Info extends GroupInfo>(
  { suite }: GroupContext<State, Info>,
  { epoch: { view, committer, start } }: MemberState<State, Info>,
  position: number,
  commit: Commit,
): CommitRefusal | undefined =>
  commitRefusal({ ...view, committer, entriesInEpoch: position - start - 1 }, commit, suite.ed25519);

/** Whether a commit, whose signature is valid, moves the room or has a group info update with which newcomers follow. */
export const isFollowed = <State, Info extends GroupInfo>(
  context: GroupContext<State, Info>,
  state: MemberState<State, Info>,
  frame: CommitFrame,
  commit: Commit,
): boolean =>
  isMove(commit) ? frame.groupInfoUpdate.length === 0 : follow(context, state, frame, commit) !== undefined;

/** Whether a commit moves the room to another invite. */
export const isMove = ({ authenticatedData }: Commit): boolean =>
  parseCommitData(authenticatedData)?.inviteSecretHash !== undefined;

/** Computes the group info after a commit as newcomers do, or returns `undefined` if they reject the commit. */
const follow = <State, Info extends GroupInfo>(
  { engine, device }: GroupContext<State, Info>,
  { epoch, ahead }: MemberState<State, Info>,
  { commit, groupInfoUpdate }: CommitFrame,
  { epoch: commitEpoch }: Commit,
): Info | undefined => {
  const before =
    commitEpoch === epoch.view.epoch
      ? engine.parseGroupInfo(engine.formatGroupInfo(epoch.engineState, device))
      : ahead;
  const followed = before && engine.followCommit(before, commit, groupInfoUpdate);
  return followed?.kind === 'accepted' ? followed.groupInfo : undefined;
};

/** Rejects a commit that the rules do not allow. */
export const refuseCommit = <State, Info extends GroupInfo>(
  context: GroupContext<State, Info>,
  state: MemberState<State, Info>,
  position: number,
  { frame, commit, reason }: RejectedCommit,
): Step<State, Info> => ({
  // Newcomers that do not know how the epoch began may have followed it, so they need a right group info.
  state: follow(context, state, frame, commit) === undefined ? state : withGroupInfo(state, position),
  events: [{ type: 'rejected', position, reason }],
});

const withGroupInfo = <State, Info extends GroupInfo>(
  state: MemberState<State, Info>,
  position: number,
): MemberState<State, Info> => ({ ...state, needsGroupInfo: true, groupInfoNeededAt: position });

/** A commit with a valid signature, and why it counts for nothing here. */
export interface RejectedCommit {
  readonly frame: CommitFrame;
  readonly commit: Commit;
  readonly reason: RejectionReason;
}

/**
 * Rejects a commit that is allowed and signed, but cannot be applied with this device's secrets.
 *
 * It can be valid for others. A commit of a member therefore ends the epoch for all, and this device joins again. A
 * newcomer's does not: anybody with the invite could force all members to join again.
 */
export const missCommit = <State, Info extends GroupInfo>(
  context: GroupContext<State, Info>,
  state: MemberState<State, Info>,
  position: number,
  { frame, commit, reason }: RejectedCommit,
): Step<State, Info> => {
  const rejected: GroupEvent = { type: 'rejected', position, reason };
  if (!isFollowed(context, state, frame, commit)) return { state, events: [rejected] };
  if (commit.isExternal) return { state: withGroupInfo(state, position), events: [rejected] };
  if (isMove(commit)) {
    const { state: next, events } = missMove<State, Info>(position);
    return { state: next, events: [rejected, ...events] };
  }
  // A pending commit of a member was for the epoch that ends here.
  const pending = state.pending?.commit?.isExternal === true ? state.pending : undefined;
  const ended = { ...state, pending, needsGroupInfo: false, endedAt: position };
  const ahead = follow(context, state, frame, commit);
  const aheadOrigin = { committer: commit.committer.identity, start: position };
  return {
    state: ahead === undefined ? ended : withAhead(ended, ahead, aheadOrigin),
    events: [rejected, { type: 'behind', position, epoch: commit.epoch + 1 }],
  };
};

/** The room moved, and this device cannot decrypt where to. */
const missMove = <State, Info extends GroupInfo>(position: number): Step<State, Info> => ({
  state: createWithdrawn(),
  events: [{ type: 'withdrawn', position, wasMember: true }],
});

/** A commit that is valid for newcomers, and the group info after it. A commit that moves the room has none. */
interface FollowedCommit<Info extends GroupInfo> {
  readonly commit: Commit;
  readonly groupInfo: Info | undefined;
}

/** Verifies a commit for the epoch in which the others are, as newcomers do. Returns `undefined` if they reject it. */
export const verifyAhead = <State, Info extends GroupInfo>(
  { engine }: GroupContext<State, Info>,
  { ahead }: MemberState<State, Info>,
  { commit, groupInfoUpdate }: CommitFrame,
): FollowedCommit<Info> | undefined => {
  const followed = ahead && engine.followCommit(ahead, commit, groupInfoUpdate);
  if (followed?.commit === undefined) return undefined;
  if (isMove(followed.commit))
    return groupInfoUpdate.length > 0 ? undefined : { commit: followed.commit, groupInfo: undefined };
  return followed.kind === 'accepted' ? followed : undefined;
};

/** The others are in a later epoch. */
export const behind = <State, Info extends GroupInfo>(
  state: MemberState<State, Info>,
  position: number,
  epoch: number,
): Step<State, Info> => ({
  state,
  events: [{ type: 'behind', position, epoch }],
});

/** A member removed this device: its keys are gone. */
export const leaveRemoved = <State, Info extends GroupInfo>(
  position: number,
  committer: Member | undefined,
): Step<State, Info> => ({
  state: { phase: 'removed' },
  events: [{ type: 'removed', position, committer }],
});

/** Follows a commit of the others while this device is behind. They may remove it, or move without it. */
export const followAhead = <State, Info extends GroupInfo>(
  { suite, device }: GroupContext<State, Info>,
  state: MemberState<State, Info>,
  position: number,
  { commit, groupInfo }: FollowedCommit<Info>,
): Step<State, Info> => {
  const { ahead, aheadOrigin } = state;
  const { committer, removed, epoch } = commit;
  const context = {
    committer: aheadOrigin?.committer,
    entriesInEpoch: position - (aheadOrigin?.start ?? 0) - 1,
  };
  if (ahead === undefined || commitRefusal({ ...ahead, ...context }, commit, suite.ed25519) !== undefined)
    return behind(state, position, epoch);
  const own = toBase64url(device.publicKey);
  // A device that joins again replaces its own leaf.
  if (committer.device !== own && removed.some((each) => each.device === own))
    return leaveRemoved(position, committer);
  if (groupInfo === undefined) return missMove(position);
  const origin = { committer: committer.identity, start: position };
  return behind(withAhead(state, groupInfo, origin), position, epoch);
};

/** Finds the join of another process of this device, which was behind too, or that the device was removed after it. */
export const findJoin = <State, Info extends GroupInfo>(
  { device, findHandshake }: GroupContext<State, Info>,
  { commit }: CommitFrame,
  { commit: { committer, epoch } }: FollowedCommit<Info>,
): FoundHandshake<State> => {
  // The search loads all that the device stored. Commits of others must not start it: anybody can send many of them.
  if (committer.device !== toBase64url(device.publicKey)) return undefined;
  const join = findHandshake?.(commit);
  if (join === 'removed') return join;
  return join?.commit?.isExternal === true && join.baseEpoch === epoch ? join : undefined;
};

/** Notes in which epoch the others are. A join of this device for an earlier one lost. */
export const withAhead = <State, Info extends GroupInfo>(
  state: MemberState<State, Info>,
  ahead: Info,
  aheadOrigin: MemberState<State, Info>['aheadOrigin'],
): MemberState<State, Info> => {
  const isJoin = state.pending?.commit?.isExternal === true;
  const pending = isJoin ? stillPossible(state.pending, ahead.epoch) : state.pending;
  return { ...state, pending, ahead, aheadOrigin };
};
