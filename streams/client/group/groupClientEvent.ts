import type { Member } from './engine.js';
import type { GroupEvent } from './groupState.js';
import type { WithHash } from '../receive/entries.js';

/** A device of a person in a group room. */
export interface GroupMember {
  /** The public key of the person's identity, base64url. */
  readonly key: string;
  /** The public key of the device, base64url. */
  readonly device: string;
  /** The name of the device, chosen by its owner: untrusted text. */
  readonly label: string;
}

/** What a member asks of its group. */
export type GroupRequest =
  /** Removes all devices of a person. The room then has another invite. */
  | { readonly type: 'remove'; readonly key: string }
  /** Gives the room another invite. */
  | { readonly type: 'rotate' }
  /** Renews the keys of this device. */
  | { readonly type: 'renew' }
  /** Tells the others that this device leaves. The client of a member then removes it. */
  | { readonly type: 'leave' };

/** An epoch began: the members agreed on other keys. */
export interface EpochStarted extends WithHash {
  readonly type: 'epoch';
  readonly position: number;
  /** The number of commits since the group was created. */
  readonly epoch: number;
  /** What its commit did. `moved`: the room has another invite, and nobody was removed. */
  readonly change: 'created' | 'joined' | 'renewed' | 'removed' | 'moved';
  /** Who made the commit. */
  readonly by: GroupMember;
  readonly removed: readonly GroupMember[];
  /** Whether this client made the commit. */
  readonly own: boolean;
  /** The members of the epoch, in the order of their leaves. */
  readonly members: readonly GroupMember[];
  /** 30 digits that are equal for all members of the epoch, and only for them. */
  readonly code: string;
  /** Whether the room has another invite from now on. */
  readonly moved: boolean;
}

/** Entries with messages that were sealed before this device joined. It cannot read them. */
export interface BeforeJoin {
  readonly type: 'before-join';
  readonly from: number;
  readonly to: number;
}

/** A message that an external sender does not read. If it has to read further back, it counts entries again. */
export interface Unread extends WithHash {
  readonly type: 'unread';
  readonly position: number;
}

/** A message whose key this device forgot, since the message was read. */
export interface Forgotten extends WithHash {
  readonly type: 'forgotten';
  readonly position: number;
}

/** A message or handshake for an epoch that was over. It counts for nobody, and its sender sends it again. */
export interface VoidEntry extends WithHash {
  readonly type: 'void';
  readonly position: number;
}

/** A handshake that changes nothing for this device. */
export interface HandshakeEntry extends WithHash {
  readonly type: 'handshake';
  readonly position: number;
}

/** An invalid or forbidden handshake. It counts for nobody. */
export interface RejectedEntry extends WithHash {
  readonly type: 'rejected';
  readonly position: number;
  readonly reason: string;
}

/** The other members are in a later epoch, whose commit this device cannot apply. It joins again in its own place. */
export interface Behind extends WithHash {
  readonly type: 'behind';
  readonly position: number;
  readonly epoch: number;
}

/** A member said that it leaves. */
export interface Leaving extends WithHash {
  readonly type: 'leaving';
  readonly position: number;
  readonly member: GroupMember;
}

/** A member removed this device. A `RemovedError` follows. */
export interface RemovedFromGroup {
  readonly type: 'removed';
  readonly position: number;
  readonly by: GroupMember;
}

/** The room has another invite from now on. Its secret lets a client join. */
export interface InviteChanged {
  readonly type: 'invite-changed';
  /** 32 bytes. Keep it secret. */
  readonly secret: Uint8Array;
}

/** This device has been a member since an earlier run. Comes before the first `welcome`. */
export interface GroupResumed {
  readonly type: 'resumed';
  readonly epoch: number;
  readonly members: readonly GroupMember[];
  readonly code: string;
}

/** The log has no group info: this client cannot join before a member is online. */
export interface NoGroupInfo {
  readonly type: 'no-group-info';
}

/** What this client requested is done. */
export interface RequestDone {
  readonly type: 'request-done';
  readonly request: GroupRequest;
}

/** What this client requested is not possible. */
export interface RequestRefused {
  readonly type: 'request-refused';
  readonly request: GroupRequest;
  readonly reason: string;
  /**
   * Present if the relay does not take the room to which the request would move the group: the code of its `ERR`, or
   * `unreachable` if it could not be asked.
   */
  readonly code?: string;
}

/** What a client emits in a group room, besides the events of every room. */
export type GroupClientEvent =
  | EpochStarted
  | BeforeJoin
  | Unread
  | Forgotten
  | VoidEntry
  | HandshakeEntry
  | RejectedEntry
  | Behind
  | Leaving
  | RemovedFromGroup
  | InviteChanged
  | GroupResumed
  | NoGroupInfo
  | RequestDone
  | RequestRefused;

/** Returns what everyone may know of a member. */
export const toGroupMember = ({ identity, device, label }: Member): GroupMember => ({
  key: identity,
  device,
  label,
});

const CODE_DIGITS = 30;

/** Formats the room code: 30 digits of the epoch authenticator, which is uniform, so that the remainder is too. */
export const formatRoomCode = (epochAuthenticator: Uint8Array): string => {
  const number = epochAuthenticator.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
  return String(number % 10n ** BigInt(CODE_DIGITS)).padStart(CODE_DIGITS, '0');
};

/** Describes an epoch for the client. */
export const toEpochStarted = ({
  position,
  change,
  committer,
  removed,
  isOwn,
  view,
  move,
}: Extract<GroupEvent, { type: 'epoch' }>): EpochStarted => ({
  type: 'epoch',
  position,
  epoch: view.epoch,
  change: change === 'renewed' && move !== undefined ? 'moved' : change,
  by: toGroupMember(committer),
  removed: removed.map(toGroupMember),
  own: isOwn,
  members: view.members.map(toGroupMember),
  code: formatRoomCode(view.epochAuthenticator),
  moved: move !== undefined,
});
