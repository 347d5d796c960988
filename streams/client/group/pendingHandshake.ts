import type { Commit } from './engine.js';
import type { CommitFrame, CreateFrame } from './frame.js';

/** A handshake of this device that is not in the log yet. Its state counts from its echo on, and not before. */
export interface PendingHandshake<State> {
  /** What is sent, and sent again after a restart. Its echo is recognised by the commit or the group info in it. */
  readonly frame: CreateFrame | CommitFrame;
  /** The epoch that the commit ends. */
  readonly baseEpoch: number;
  readonly state: State;
  /** What the commit does. `undefined` for a new group. */
  readonly commit: Commit | undefined;
  /** The secret of the next invite, if the room moves to it. */
  readonly inviteSecret: Uint8Array | undefined;
}

/** What the processes of a device stored about one of its commits, or that the device was removed. */
export type FoundHandshake<State> = PendingHandshake<State> | 'removed' | undefined;

/** A commit of this device, of any of its processes, that began an epoch. Processes that lag behind still have to read it. */
export interface DeviceHandshake<State> {
  readonly handshake: PendingHandshake<State>;
  /** When it was read, in ms since 1970. */
  readonly timeMs: number;
}

/** Returns the pending join unless its epoch is over. After a restart the log is read again, from earlier epochs on. */
export const stillPossible = <State>(
  pending: PendingHandshake<State> | undefined,
  epoch: number,
): PendingHandshake<State> | undefined =>
  pending?.frame.type === 'commit' && pending.baseEpoch >= epoch ? pending : undefined;
