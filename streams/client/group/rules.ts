import { fromBase64url, toBase64url } from '../../wire/encoding.js';
import {
  type CommitData,
  leaveMessage,
  type LeaveStatement,
  parseCommitData,
  removalGrantMessage,
} from './commitData.js';
import type { SignatureScheme } from './cryptoSuite.js';
import type { Commit, GroupView, Member } from './engine.js';
import { type GroupIdFields, parseGroupId } from './groupId.js';

/** The maximum number of devices in a group. Their group info then fits a line. */
export const MEMBER_LIMIT = 200;

/** How many entries follow the commit of a person before a device of the same person may renew its keys. */
export const RENEWAL_INTERVAL_ENTRIES = 32;

/** What all members know of the epoch that a commit ends. */
export interface CommitContext extends GroupView {
  /** The identity whose commit began the epoch. `undefined` in the epoch in which the group was created. */
  readonly committer: string | undefined;
  /** The number of entries between the beginning of the epoch, or of its log, and the commit. */
  readonly entriesInEpoch: number;
}

/** Why a valid commit is not allowed. */
export type CommitRefusal =
  | 'unknown group id'
  | 'invalid commit data'
  | 'a newcomer removes another person'
  | 'the device is a member'
  | 'the group is full'
  | 'no right to remove'
  | 'the previous commit is too recent';

/**
 * Returns why a valid commit is not allowed, or `undefined` if it is.
 *
 * It depends only on what all members agree on and on what the committer signed. So all members, and those who join
 * afterwards, decide alike.
 */
export const commitRefusal = (
  context: CommitContext,
  commit: Commit,
  { verify }: Pick<SignatureScheme, 'verify'>,
): CommitRefusal | undefined => {
  const group = parseGroupId(context.groupId);
  if (group === undefined) return 'unknown group id';
  const data = parseCommitData(commit.authenticatedData);
  if (data === undefined) return 'invalid commit data';
  if (commit.isExternal) return joinRefusal(context, commit, data);

  const { committer, removed } = commit;
  const others = removed.filter(({ identity }) => identity !== committer.identity);
  const isRecent =
    context.entriesInEpoch < RENEWAL_INTERVAL_ENTRIES && context.committer === committer.identity;
  const isMove = data.inviteSecretHash !== undefined;
  // Only renewals have to wait: a removal costs a member, and must be possible at once in a quiet room.
  if (isRecent && removed.length === 0 && !isMove) return 'the previous commit is too recent';
  const isAllowed =
    mayRemove(context, group, committer, data, verify) ||
    (others.every(isLeaving(context, data, verify)) && !isMove);
  return isAllowed ? undefined : 'no right to remove';
};

const joinRefusal = (
  { members }: CommitContext,
  { committer, removed }: Commit,
  { grant, leaves, inviteSecretHash }: CommitData,
): CommitRefusal | undefined => {
  // The next invite is a matter of members.
  if (grant !== undefined || leaves.length > 0 || inviteSecretHash !== undefined)
    return 'invalid commit data';
  if (removed.some(({ identity }) => identity !== committer.identity))
    return 'a newcomer removes another person';
  const remaining = members.filter(({ leaf }) => !removed.some((each) => each.leaf === leaf));
  if (remaining.some(({ device }) => device === committer.device)) return 'the device is a member';
  return remaining.length >= MEMBER_LIMIT ? 'the group is full' : undefined;
};

type VerifySignature = SignatureScheme['verify'];

const mayRemove = (
  { groupId, epoch }: CommitContext,
  { removalRule, creator }: GroupIdFields,
  { identity }: Member,
  { grant }: CommitData,
  verify: VerifySignature,
): boolean => {
  if (removalRule === 'anyone' || identity === creator) return true;
  const [creatorKey, identityKey] = [fromBase64url(creator), fromBase64url(identity)];
  if (grant === undefined || creatorKey === undefined || identityKey === undefined) return false;
  const { lastEpoch, signature } = grant;
  return (
    epoch <= lastEpoch && verify(creatorKey, removalGrantMessage(groupId, identityKey, lastEpoch), signature)
  );
};

const isLeaving =
  (context: CommitContext, { leaves }: CommitData, verify: VerifySignature) =>
  (member: Member): boolean =>
    leaves.some(
      (statement) =>
        toBase64url(statement.device) === member.device && isValidLeave(context, statement, verify),
    );

/** Whether a device signed a leave statement, for this group and a commit in this epoch. */
export const isValidLeave = (
  { groupId, epoch }: GroupView,
  { device, lastEpoch, signature }: LeaveStatement,
  verify: VerifySignature,
): boolean => epoch <= lastEpoch && verify(device, leaveMessage(groupId, device, lastEpoch), signature);
