import type { DeviceHandshake, PendingHandshake } from './pendingHandshake.js';
import type { OpenFailure, Token } from '../envelope/cipher.js';
import type { BoundEnvelope } from './boundEnvelope.js';
import type { LeaveStatement } from './commitData.js';
import type { ChainKey } from './ratchet.js';
import type { CommitFailure, GroupInfo, Member, MemberView } from './engine.js';
import { type FormerLog, MAX_FORMER_LOGS } from './formerLog.js';

import type { Frame } from './frame.js';
import type { GroupEpoch, PastEpoch } from './groupEpoch.js';
import { type EarlyCommits, type FollowedCommit, NO_EARLY_COMMITS } from './newcomerCommits.js';
import type { EpochOrigin } from './groupInfoData.js';
import type { CommitRefusal } from './rules.js';

/** A frame with its position in the log. */
export interface FrameEntry {
  readonly position: number;
  readonly token: Token;
  readonly frame: Frame;
  /** When it arrived, in ms since 1970. */
  readonly timeMs: number;
}

/** Where newcomers find a group info. */
export interface GroupInfoPlace {
  /** The position, or 0 if it is in an earlier log. */
  readonly position: number;
  readonly epoch: number;
}

/** A device that is not a member: it follows the commits, so that it can join. */
export interface NewcomerState<State, Info extends GroupInfo> {
  readonly phase: 'newcomer';
  /** The newest epoch that the newcomer knows of. Only members can verify it. */
  readonly groupInfo: Info | undefined;
  /** How that epoch began, if this device knows it. */
  readonly origin: EpochOrigin | undefined;
  /** The group info that was read last. The commits after it were followed. */
  readonly lastGroupInfo: GroupInfoPlace;
  readonly pending: PendingHandshake<State> | undefined;
  /** The first message that the newcomer could not read. */
  readonly firstUnread: number | undefined;
  /** The commits that this device followed since the last group info, and the one that moved the room. */
  readonly followed: readonly FollowedCommit[];
  /** The commits that came before the first group info of the log. */
  readonly early: EarlyCommits;
  /** The members moved to another invite. */
  readonly isWithdrawn: boolean;
  /** The log has a valid group info that this device did not take, since it contradicts what it had read before. */
  readonly hasIgnoredGroupInfo: boolean;
}

/** How a process of a device sends. */
export interface Sending {
  readonly slot: number;
  /** The chain key of the next message. */
  readonly chainKey: ChainKey;
  /** The first generation that is not reserved. */
  readonly reserved: number;
  /** The generation of the first message since the start of the process or of the epoch. */
  readonly first: number;
}

/** A member. */
export interface MemberState<State, Info extends GroupInfo> {
  readonly phase: 'member';
  readonly epoch: GroupEpoch<State>;
  /** The position of the entry that was applied last. */
  readonly position: number;
  /** The epoch in which this device joined. */
  readonly firstEpoch: number;
  /** The epochs before whose messages can be read again, oldest first. */
  readonly pastEpochs: readonly PastEpoch[];
  /** The logs that the room left, oldest first, as far as messages of them can be read again. */
  readonly formerLogs: readonly FormerLog[];
  readonly pending: PendingHandshake<State> | undefined;
  /** The last commits of this device, for processes of it that still have to read them. Oldest first. */
  readonly deviceHandshakes: readonly DeviceHandshake<State>[];
  /** How this process sends. */
  readonly sending: Sending;
  /** The last right group info. */
  readonly lastGroupInfo: GroupInfoPlace;
  /** Newcomers find no right group info in this log, or have to read far from it on: a member has to post one. */
  readonly needsGroupInfo: boolean;
  /** The entry for which newcomers need a group info: one whose signer had not read it leads no newcomer back. */
  readonly groupInfoNeededAt: number;
  /** The statements of other members that they leave. The commit of any member can remove them. */
  readonly leaving: readonly LeaveStatement[];
  /**
   * The position of a member's commit that ended the epoch, and which this device could not apply. It can be valid for
   * the others. So nothing behind it counts for this epoch, and the device has to join again.
   */
  readonly endedAt: number | undefined;
  /** Where the other members seem to be, if this device could not apply one of their commits. */
  readonly ahead: Info | undefined;
  /** How that epoch began, if this device knows it. */
  readonly aheadOrigin: EpochOrigin | undefined;
  /** The room moved to another invite. What follows in this log is void. */
  readonly hasMoved: boolean;
}

/** A device that a member removed. Its keys are gone. */
export interface RemovedState {
  readonly phase: 'removed';
}

/** The state of a device in a group room. A value: each step returns a new one. */
export type GroupState<State, Info extends GroupInfo = GroupInfo> =
  NewcomerState<State, Info> | MemberState<State, Info> | RemovedState;

/** What an entry means to this device. */
export type GroupEvent =
  /** A message of this epoch. `sender` is missing for an external sender. */
  | {
      readonly type: 'opened';
      readonly position: number;
      readonly token: Token;
      readonly envelope: BoundEnvelope;
      readonly sender: Member | undefined;
    }
  | {
      readonly type: 'undecryptable';
      readonly position: number;
      readonly reason: OpenFailure | 'not an envelope';
    }
  | {
      readonly type: 'alarm';
      readonly position: number;
      readonly reason: 'bad-signature';
      readonly nick: string;
      readonly key: string;
    }
  /** An epoch began. The messages of this device that have no receipt yet are void: they have to be sealed again. */
  | {
      readonly type: 'epoch';
      readonly position: number;
      readonly change: 'created' | 'joined' | 'renewed' | 'removed';
      readonly committer: Member;
      readonly removed: readonly Member[];
      readonly isOwn: boolean;
      readonly view: MemberView;
      /** The room moves to this invite. `secret` is missing if the committer did not seal it for this device. */
      readonly move?: { readonly secret: Uint8Array | undefined };
    }
  /** The message or commit came after the end of its epoch: it counts for nobody. */
  | { readonly type: 'void'; readonly position: number }
  /** These entries have messages that were sealed before this device joined. */
  | { readonly type: 'beforeJoin'; readonly from: number; readonly to: number }
  /** The key of the message was forgotten. */
  | { readonly type: 'forgotten'; readonly position: number }
  /** The commit or group info is invalid or not allowed. It counts for nobody. */
  | { readonly type: 'rejected'; readonly position: number; readonly reason: RejectionReason }
  /** The others are in a later epoch. This device has to join again, in its own place. */
  | { readonly type: 'behind'; readonly position: number; readonly epoch: number }
  /** A member says that it leaves. If it is another one, the commit of any member can remove it. */
  | { readonly type: 'leaving'; readonly position: number; readonly member: Member }
  /** A handshake that changes nothing for this device. */
  | { readonly type: 'handshake'; readonly position: number }
  /** The members moved to another invite, and this device does not know to which. */
  | { readonly type: 'withdrawn'; readonly position: number; readonly wasMember: boolean }
  /** A member removed this device. `committer` is missing if another process of the device has read the commit. */
  | { readonly type: 'removed'; readonly position: number; readonly committer: Member | undefined };

export type RejectionReason =
  | CommitFailure
  | CommitRefusal
  | 'invalid group info'
  | 'invalid group info update'
  | 'no group info yet'
  | 'invalid leave statement';

/** The state after an entry, and what the entry means. */
export interface Step<State, Info extends GroupInfo> {
  readonly state: GroupState<State, Info>;
  readonly events: readonly GroupEvent[];
}

/** Creates the state of a device that knows only the invite. */
export const createNewcomer = <State, Info extends GroupInfo>(): NewcomerState<State, Info> => ({
  phase: 'newcomer',
  groupInfo: undefined,
  origin: undefined,
  lastGroupInfo: { position: 0, epoch: 0 },
  pending: undefined,
  firstUnread: undefined,
  followed: [],
  early: NO_EARLY_COMMITS,
  isWithdrawn: false,
  hasIgnoredGroupInfo: false,
});

/** Creates the state of a member that does not know to which invite the room moved. With that invite it can join again. */
export const createWithdrawn = <State, Info extends GroupInfo>(): NewcomerState<State, Info> => ({
  ...createNewcomer(),
  isWithdrawn: true,
});

/**
 * Returns the state for reading another log: that of the room's next invite, or of a relay that lost its log.
 *
 * Its positions start again, and newcomers find no group info in it. If the room moved, a member can read again what it
 * read in the log `former`.
 */
export const changeLog = <State, Info extends GroupInfo>(
  state: GroupState<State, Info>,
  former?: Pick<FormerLog, 'log' | 'inviteSecret'>,
): GroupState<State, Info> => {
  switch (state.phase) {
    case 'newcomer':
      return {
        ...state,
        origin: state.origin && { ...state.origin, start: 0 },
        lastGroupInfo: { ...state.lastGroupInfo, position: 0 },
        followed: [],
        early: NO_EARLY_COMMITS,
        firstUnread: undefined,
      };
    case 'member':
      return {
        ...state,
        position: 0,
        epoch: { ...state.epoch, start: 0 },
        pastEpochs: [],
        formerLogs:
          former === undefined || state.pastEpochs.length === 0
            ? state.formerLogs
            : [
                ...state.formerLogs,
                { ...former, end: state.epoch.start, pastEpochs: state.pastEpochs },
              ].slice(-MAX_FORMER_LOGS),
        lastGroupInfo: { epoch: state.epoch.view.epoch, position: 0 },
        endedAt: state.endedAt === undefined ? undefined : 0,
        aheadOrigin: state.aheadOrigin && { ...state.aheadOrigin, start: 0 },
        needsGroupInfo: true,
        groupInfoNeededAt: 0,
        hasMoved: false,
      };
    case 'removed':
      return state;
  }
};

/**
 * Returns the state for reading a log that continues the former one: both have the same entries up to position `shared`.
 *
 * What this device has read beyond is lost. It stays in its epoch, as after the loss of the whole log.
 */
export const continueLog = <State, Info extends GroupInfo>(
  state: GroupState<State, Info>,
  shared: number,
): GroupState<State, Info> => {
  const isLost = (position: number) => position > shared;
  const withStart = <T extends { readonly start: number }>(epoch: T): T =>
    isLost(epoch.start) ? { ...epoch, start: 0 } : epoch;
  switch (state.phase) {
    case 'newcomer':
      return {
        ...state,
        origin: state.origin && withStart(state.origin),
        lastGroupInfo: isLost(state.lastGroupInfo.position)
          ? { ...state.lastGroupInfo, position: 0 }
          : state.lastGroupInfo,
        followed: state.followed.filter(({ position }) => !isLost(position)),
        early: { ...state.early, entries: state.early.entries.filter(({ position }) => !isLost(position)) },
        firstUnread: isLost(state.firstUnread ?? 0) ? undefined : state.firstUnread,
      };
    case 'member': {
      if (!isLost(state.position)) return state;
      const epoch = withStart(state.epoch);
      const isEpochLost = epoch !== state.epoch;
      const isInfoLost = isEpochLost || isLost(state.lastGroupInfo.position);
      return {
        ...state,
        position: shared,
        epoch,
        pastEpochs: state.pastEpochs
          .filter(({ start }) => start < shared)
          .map((past) => ({ ...past, end: Math.min(past.end, shared + 1) })),
        lastGroupInfo: isInfoLost ? { epoch: epoch.view.epoch, position: 0 } : state.lastGroupInfo,
        endedAt: state.endedAt !== undefined && isLost(state.endedAt) ? 0 : state.endedAt,
        aheadOrigin: state.aheadOrigin && withStart(state.aheadOrigin),
        needsGroupInfo: state.needsGroupInfo || isInfoLost,
        groupInfoNeededAt: isEpochLost ? 0 : Math.min(state.groupInfoNeededAt, shared),
      };
    }
    case 'removed':
      return state;
  }
};

/** Forgets a group info that this device cannot join by. Anybody with the invite can make one, so a right one follows. */
export const withoutGroupInfo = <State, Info extends GroupInfo>(
  state: NewcomerState<State, Info> | MemberState<State, Info>,
): GroupState<State, Info> =>
  state.phase === 'member'
    ? { ...state, ahead: undefined, aheadOrigin: undefined }
    : { ...state, groupInfo: undefined, origin: undefined };
