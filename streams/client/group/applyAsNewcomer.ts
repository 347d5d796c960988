import { toBase64url } from '../../wire/encoding.js';
import { equalBytes } from './bytes.js';
import type { Commit, GroupInfo } from './engine.js';
import { addEarlyCommit, branchPosition, type EarlyCommits, NO_EARLY_COMMITS } from './newcomerCommits.js';
import { enterEpoch, withDeviceHandshake } from './enterEpoch.js';
import type { CommitFrame } from './frame.js';
import type { GroupContext } from './groupEpoch.js';
import { parseGroupInfoData } from './groupInfoData.js';
import { parseGroupId } from './groupId.js';
import type {
  FrameEntry,
  GroupEvent,
  GroupState,
  NewcomerState,
  RejectionReason,
  Step,
} from './groupState.js';
import { signerOf } from './members.js';
import { type PendingHandshake, stillPossible } from './pendingHandshake.js';
import { isMove } from './missedCommit.js';
import { commitRefusal } from './rules.js';

/** Applies an entry to the state of a device that is not a member. */
export const applyAsNewcomer = <State, Info extends GroupInfo>(
  context: GroupContext<State, Info>,
  state: NewcomerState<State, Info>,
  entry: FrameEntry,
): Step<State, Info> => {
  const { position, frame } = entry;
  switch (frame.type) {
    case 'message':
    case 'externalMessage':
      // They are reported as one range when the device joins.
      return { state: { ...state, firstUnread: state.firstUnread ?? position }, events: [] };
    case 'create':
      return takeCreation(context, state, entry, frame.groupInfo);
    case 'groupInfo':
      return takeGroupInfo(context, state, entry, frame.groupInfo);
    case 'leave':
      return handshake(state, position);
    case 'commit':
      return follow(context, state, entry, frame);
  }
};

const rejected = <State, Info extends GroupInfo>(
  state: NewcomerState<State, Info>,
  position: number,
  reason: RejectionReason,
): Step<State, Info> => ({ state, events: [{ type: 'rejected', position, reason }] });

const handshake = <State, Info extends GroupInfo>(
  state: NewcomerState<State, Info>,
  position: number,
): Step<State, Info> => ({ state, events: [{ type: 'handshake', position }] });

/** Parses a group info of the group that the invite names. */
const parseInfo = <State, Info extends GroupInfo>(
  { engine, suite, groupIdHash }: GroupContext<State, Info>,
  bytes: Uint8Array,
): Info | undefined => {
  const info = engine.parseGroupInfo(bytes);
  return info && equalBytes(suite.sha256(info.groupId), groupIdHash) ? info : undefined;
};

const takeCreation = <State, Info extends GroupInfo>(
  context: GroupContext<State, Info>,
  state: NewcomerState<State, Info>,
  entry: FrameEntry,
  bytes: Uint8Array,
): Step<State, Info> => {
  const { position } = entry;
  const info = parseInfo(context, bytes);
  const [creator, ...others] = info?.members ?? [];
  const isCreation =
    info?.epoch === 0 && others.length === 0 && creator?.identity === parseGroupId(info.groupId)?.creator;
  if (info === undefined || !isCreation) return rejected(state, position, 'invalid group info');
  if (state.groupInfo !== undefined) return handshake(state, position);
  const { pending } = state;
  if (pending?.frame.type !== 'create' || !equalBytes(pending.frame.groupInfo, bytes))
    return handshake(
      {
        ...state,
        groupInfo: info,
        origin: undefined,
        lastGroupInfo: { position, epoch: 0 },
        followed: [],
        early: NO_EARLY_COMMITS,
        pending: stillPossible(pending, 0),
      },
      position,
    );
  return enter(context, { ...state, lastGroupInfo: { position, epoch: 0 } }, pending, entry, undefined);
};

/**
 * Takes a group info, which leads back a newcomer that followed an invalid commit.
 *
 * Only members can see that a commit is invalid. They post a group info after it, which says how far its signer had read.
 * So one that a member signed before it read a valid commit, or a replay, does not lead back to an epoch that is over.
 */
const takeGroupInfo = <State, Info extends GroupInfo>(
  context: GroupContext<State, Info>,
  state: NewcomerState<State, Info>,
  entry: FrameEntry,
  bytes: Uint8Array,
): Step<State, Info> => {
  const { position } = entry;
  const info = parseInfo(context, bytes);
  if (info === undefined) return rejected(state, position, 'invalid group info');
  const known = state.groupInfo;
  const signer = signerOf(info);
  const isKnownSigner = known === undefined || known.members.some(({ device }) => device === signer);
  const data = parseGroupInfoData(info.applicationData);
  const signedAfter = data !== undefined && data.position < position ? data.position : 0;
  const { entries, dropped } = state.early;
  if (
    !isKnownSigner ||
    info.epoch < state.lastGroupInfo.epoch ||
    signedAfter < Math.max(branchPosition(state, info), dropped)
  )
    return handshake({ ...state, hasIgnoredGroupInfo: true }, position);
  const taken: NewcomerState<State, Info> = {
    ...state,
    groupInfo: info,
    origin: data?.origin,
    lastGroupInfo: { position, epoch: info.epoch },
    followed: [],
    early: NO_EARLY_COMMITS,
    pending: stillPossible(state.pending, info.epoch),
    isWithdrawn: false,
  };
  const unread = entries.filter((each) => each.position > signedAfter);
  return unread.length === 0 ? handshake(taken, position) : followEarly(context, taken, entry, unread);
};

/**
 * Follows the commits that came before the first group info of the log, and that its signer had not read. The members that
 * read them in their place are in a later epoch.
 */
const followEarly = <State, Info extends GroupInfo>(
  context: GroupContext<State, Info>,
  { pending, ...state }: NewcomerState<State, Info>,
  entry: FrameEntry,
  commits: EarlyCommits['entries'],
): Step<State, Info> => {
  const { position } = entry;
  // An own commit is followed from outside too. What was sealed after it cannot be read any more.
  const outside = { ...context, findHandshake: undefined };
  let next: GroupState<State, Info> = { ...state, pending: undefined };
  for (const each of commits) {
    if (next.phase !== 'newcomer' || next.groupInfo === undefined) break;
    next = follow(outside, next, { ...entry, ...each }, each.frame).state;
  }
  if (next.phase !== 'newcomer') return { state: next, events: [] };
  if (next.groupInfo === undefined)
    return { state: next, events: [{ type: 'withdrawn', position, wasMember: false }] };
  return handshake({ ...next, pending: stillPossible(pending, next.groupInfo.epoch) }, position);
};

/** How many commits a newcomer remembers. Members post a group info more often. */
const MAX_FOLLOWED = 1024;

/** Follows a commit from outside, or joins if it is the newcomer's own. */
const follow = <State, Info extends GroupInfo>(
  context: GroupContext<State, Info>,
  state: NewcomerState<State, Info>,
  entry: FrameEntry,
  frame: CommitFrame,
): Step<State, Info> => {
  const { position } = entry;
  const { engine, suite } = context;
  const { groupInfo, origin, pending } = state;
  if (groupInfo === undefined)
    return rejected(
      { ...state, early: addEarlyCommit(state.early, position, frame) },
      position,
      'no group info yet',
    );
  const isOwn =
    pending?.frame.type === 'commit' &&
    pending.baseEpoch === groupInfo.epoch &&
    equalBytes(pending.frame.commit, frame.commit);
  const result = engine.followCommit(groupInfo, frame.commit, frame.groupInfoUpdate);
  const { commit } = result;
  if (commit === undefined)
    return rejected(state, position, result.kind === 'rejected' ? result.failure : 'malformed');
  const handshakeOfDevice = isOwn ? pending : findOther(context, commit, frame, groupInfo.epoch);
  if (result.kind === 'accepted' && handshakeOfDevice !== undefined)
    return enter(context, state, handshakeOfDevice, entry, frame);
  const committer = origin?.committer;
  const entriesInEpoch = position - (origin?.start ?? 0) - 1;
  const refusal = commitRefusal({ ...groupInfo, committer, entriesInEpoch }, commit, suite.ed25519);
  if (refusal !== undefined) return rejected(state, position, refusal);
  const followed = [...state.followed.slice(1 - MAX_FOLLOWED), { position, epoch: commit.epoch }];
  if (isMove(commit))
    return frame.groupInfoUpdate.length > 0
      ? rejected(state, position, 'invalid group info update')
      : {
          state: { ...state, groupInfo: undefined, pending: undefined, followed, isWithdrawn: true },
          events: [{ type: 'withdrawn', position, wasMember: false }],
        };
  if (result.kind === 'rejected') return rejected(state, position, result.failure);
  const next = { committer: commit.committer.identity, start: position };
  const possible = stillPossible(pending, result.groupInfo.epoch);
  return handshake(
    { ...state, groupInfo: result.groupInfo, origin: next, followed, pending: possible },
    position,
  );
};

/** Finds the handshake of another process of this device. */
const findOther = <State, Info extends GroupInfo>(
  { device, findHandshake }: GroupContext<State, Info>,
  { committer }: Commit,
  { commit }: CommitFrame,
  epoch: number,
): PendingHandshake<State> | undefined => {
  if (committer.device !== toBase64url(device.publicKey)) return undefined;
  const found = findHandshake?.(commit);
  // A removed device may join again.
  return found !== 'removed' && found?.baseEpoch === epoch ? found : undefined;
};

const enter = <State, Info extends GroupInfo>(
  context: GroupContext<State, Info>,
  { firstUnread, lastGroupInfo, pending }: NewcomerState<State, Info>,
  handshakeOfDevice: PendingHandshake<State>,
  { position, timeMs }: FrameEntry,
  frame: CommitFrame | undefined,
): Step<State, Info> => {
  const { state, commit } = handshakeOfDevice;
  const isOwn = handshakeOfDevice === pending;
  const before: GroupEvent[] =
    firstUnread === undefined ? [] : [{ type: 'beforeJoin', from: firstUnread, to: position - 1 }];
  const { state: next, events } = enterEpoch(context, undefined, {
    position,
    state,
    commit,
    sealedInviteSecret: new Uint8Array(0),
    inviteSecret: undefined,
    isOwn,
    pastEpochs: [],
    lastGroupInfo,
    // Its own frame has the right one, if newcomers find the one before it in this log too.
    hasGroupInfo: () => lastGroupInfo.position > 0 && frame?.groupInfoUpdate.length !== 0,
  });
  const joined = withDeviceHandshake(context, next, handshakeOfDevice, timeMs);
  return { state: joined, events: [...before, ...events] };
};
