import type { FernetKey } from '../envelope/cipher.js';
import { equalBytes } from './bytes.js';
import { INVITE_SECRET_BYTES, inviteSecretMessage, parseCommitData } from './commitData.js';
import type { Commit, GroupInfo } from './engine.js';
import {
  beginEpoch,
  type GroupContext,
  type GroupCrypto,
  type GroupEpoch,
  type PastEpoch,
} from './groupEpoch.js';
import {
  createWithdrawn,
  type GroupEvent,
  type GroupInfoPlace,
  type GroupState,
  type MemberState,
  type Step,
} from './groupState.js';
import type { PendingHandshake } from './pendingHandshake.js';
import { retainedHandshakes } from './pastEpochs.js';
import { sendingFrom } from './sealMessage.js';
import { leavingAfter } from './leaving.js';
import { memberOfLeaf } from './members.js';
import { openBytes } from './tokenBytes.js';

/** What begins an epoch. */
export interface EpochStart<State> {
  readonly position: number;
  /** The state of the engine in the new epoch. */
  readonly state: State;
  /** The commit, or `undefined` if the group was created. */
  readonly commit: Commit | undefined;
  readonly sealedInviteSecret: Uint8Array;
  /** The secret of the next invite, if this device chose it. */
  readonly inviteSecret: Uint8Array | undefined;
  readonly isOwn: boolean;
  readonly pastEpochs: readonly PastEpoch[];
  readonly lastGroupInfo: GroupInfoPlace;
  /** Whether newcomers can follow to the new epoch. */
  readonly hasGroupInfo: (epoch: GroupEpoch<State>) => boolean;
}

/** A new epoch, and whether newcomers find its group info with the commit. */
export interface EpochStep<State, Info extends GroupInfo> extends Step<State, Info> {
  readonly hasGroupInfo: boolean;
}

/** Begins an epoch. */
export const enterEpoch = <State, Info extends GroupInfo>(
  context: GroupContext<State, Info>,
  previous: MemberState<State, Info> | undefined,
  start: EpochStart<State>,
): EpochStep<State, Info> => {
  const { position, commit, pastEpochs } = start;
  const { formerLogs = [], deviceHandshakes = [] } = previous ?? {};
  const committer = commit?.committer.identity;
  const { epoch, inviteSecretKey } = beginEpoch(context, start.state, { committer, start: position });
  const { view } = epoch;
  const inviteSecretHash = commit && parseCommitData(commit.authenticatedData)?.inviteSecretHash;
  const secret =
    inviteSecretHash &&
    (start.inviteSecret ?? openInviteSecret(context, inviteSecretKey, start, inviteSecretHash));
  const own = epoch.senders[view.leaf]?.[context.slot];
  if (own === undefined) throw new TypeError('a member has a leaf and a slot');
  const hasMoved = inviteSecretHash !== undefined;
  const hasGroupInfo = start.hasGroupInfo(epoch);
  const state: MemberState<State, Info> = {
    phase: 'member',
    epoch,
    position,
    pastEpochs,
    formerLogs,
    firstEpoch:
      start.isOwn && (commit?.isExternal ?? true) ? view.epoch : (previous?.firstEpoch ?? view.epoch),
    pending: undefined,
    deviceHandshakes: retainedHandshakes({ epoch, pastEpochs, formerLogs, deviceHandshakes }),
    sending: { slot: context.slot, ...sendingFrom(own.next) },
    lastGroupInfo: start.lastGroupInfo,
    // A newcomer that could not follow to the previous epoch cannot follow from there.
    needsGroupInfo: !hasMoved && (previous?.needsGroupInfo === true || !hasGroupInfo),
    groupInfoNeededAt: previous?.groupInfoNeededAt ?? 0,
    leaving: leavingAfter(previous?.leaving ?? [], view, commit),
    endedAt: undefined,
    ahead: undefined,
    aheadOrigin: undefined,
    hasMoved,
  };
  const event: GroupEvent = {
    type: 'epoch',
    position,
    change: changeOf(commit),
    committer: commit?.committer ?? memberOfLeaf(view.members, view.leaf),
    removed: commit?.removed ?? [],
    isOwn: start.isOwn,
    view,
    ...(hasMoved && { move: { secret } }),
  };
  const canFollow = !hasMoved || secret !== undefined;
  return { state: canFollow ? state : createWithdrawn(), events: [event], hasGroupInfo };
};

/** At most how long, and how many, commits of this device are kept for processes of it that lag behind. */
export const HANDSHAKE_RETENTION_MS = 86_400_000;
export const MAX_DEVICE_HANDSHAKES = 8;

/** Keeps a commit of this device that began an epoch: other processes of the device may have to read it still. */
export const withDeviceHandshake = <State, Info extends GroupInfo>(
  { forgetMs }: Pick<GroupCrypto, 'forgetMs'>,
  state: GroupState<State, Info>,
  handshake: PendingHandshake<State>,
  nowMs: number,
): GroupState<State, Info> => {
  // Without rereading, a device has only one process, and its keys are not kept.
  if (state.phase !== 'member' || forgetMs === 0 || handshake.frame.type !== 'commit') return state;
  const recent = state.deviceHandshakes.filter(({ timeMs }) => timeMs >= nowMs - HANDSHAKE_RETENTION_MS);
  const deviceHandshakes = [...recent, { handshake, timeMs: Math.floor(nowMs) }].slice(
    -MAX_DEVICE_HANDSHAKES,
  );
  return { ...state, deviceHandshakes };
};

const changeOf = (commit: Commit | undefined): 'created' | 'joined' | 'renewed' | 'removed' => {
  if (commit === undefined) return 'created';
  if (commit.isExternal) return 'joined';
  return commit.removed.length > 0 ? 'removed' : 'renewed';
};

/** Decrypts the secret of the next invite, or returns `undefined` if it is not the one that the commit announced. */
const openInviteSecret = <State>(
  { cipher, suite }: Pick<GroupCrypto, 'cipher' | 'suite'>,
  key: FernetKey,
  { sealedInviteSecret }: EpochStart<State>,
  hash: Uint8Array,
): Uint8Array | undefined => {
  const secret = openBytes(cipher, key, sealedInviteSecret);
  if (typeof secret === 'string' || secret.length !== INVITE_SECRET_BYTES) return undefined;
  return equalBytes(suite.sha256(inviteSecretMessage(secret)), hash) ? new Uint8Array(secret) : undefined;
};
