import { toBase64url } from '../../wire/encoding.js';
import { parseCommitData } from './commitData.js';
import type { Commit, FollowResult, GroupInfo } from './engine.js';
import type { CommitFrame } from './frame.js';
import type { GroupContext } from './groupEpoch.js';
import type { GroupEvent, MemberState, RejectionReason, Step } from './groupState.js';
import { type PendingHandshake, stillPossible } from './pendingHandshake.js';
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
  // A pending commit of a member was for the epoch that ends here.
  const pending = state.pending?.commit?.isExternal === true ? state.pending : undefined;
  const ended = { ...state, pending, needsGroupInfo: false, endedAt: position };
  if (isMove(commit)) return { state: ended, events: [rejected, { type: 'withdrawn', position }] };
  const ahead = follow(context, state, frame, commit);
  const aheadOrigin = { committer: commit.committer.identity, start: position };
  return {
    state: ahead === undefined ? ended : withAhead(ended, ahead, aheadOrigin),
    events: [rejected, { type: 'behind', position, epoch: commit.epoch + 1, canRejoin: true }],
  };
};

/** What follows from a commit that is valid for newcomers. */
type FollowedCommit<Info extends GroupInfo> = Extract<FollowResult<Info>, { readonly kind: 'accepted' }>;

/** Verifies a commit for the epoch in which the others are, as newcomers do. Returns `undefined` if they reject it. */
export const verifyAhead = <State, Info extends GroupInfo>(
  { engine }: GroupContext<State, Info>,
  { ahead }: MemberState<State, Info>,
  { commit, groupInfoUpdate }: CommitFrame,
): FollowedCommit<Info> | undefined => {
  const followed = ahead && engine.followCommit(ahead, commit, groupInfoUpdate);
  return followed?.kind === 'accepted' ? followed : undefined;
};

/** Follows a commit of the others while this device is behind. */
export const followAhead = <State, Info extends GroupInfo>(
  { suite }: GroupContext<State, Info>,
  state: MemberState<State, Info>,
  position: number,
  { commit, groupInfo }: FollowedCommit<Info>,
): MemberState<State, Info> => {
  const { ahead, aheadOrigin } = state;
  if (ahead === undefined) return state;
  const committer = aheadOrigin?.committer;
  const entriesInEpoch = position - (aheadOrigin?.start ?? 0) - 1;
  if (commitRefusal({ ...ahead, committer, entriesInEpoch }, commit, suite.ed25519) !== undefined)
    return state;
  const next = { committer: commit.committer.identity, start: position };
  return withAhead(state, groupInfo, next);
};

/** Finds the join of another process of this device, which was behind too. */
export const findJoin = <State, Info extends GroupInfo>(
  { device, findHandshake }: GroupContext<State, Info>,
  { commit }: CommitFrame,
  { commit: { committer, epoch } }: FollowedCommit<Info>,
): PendingHandshake<State> | undefined => {
  // The search loads all that the device stored. Commits of others must not start it: anybody can send many of them.
  if (committer.device !== toBase64url(device.publicKey)) return undefined;
  const join = findHandshake?.(commit);
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
