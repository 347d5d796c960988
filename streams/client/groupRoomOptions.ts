import type { Observable } from 'rxjs';
import type { ClientOptions } from './client.js';
import type { FernetKey } from './envelope/cipher.js';
import type { GroupInfo } from './group/engine.js';
import type { GroupRequest } from './group/groupClientEvent.js';
import type { GroupContext } from './group/groupEpoch.js';
import type { GroupRole } from './group/handshakeNeed.js';
import type { Snapshot } from './group/savedState.js';
import type { SnapshotOrder } from './group/snapshotOrder.js';
import type { Credentials } from './join.js';

/** What the secret of an invite gives: the room at the relay, and the key of its tokens. */
export interface GroupRoom extends Pick<Credentials, 'room' | 'sign' | 'owner'> {
  readonly outerKey: FernetKey;
}

export interface GroupRoomClientOptions<State, Info extends GroupInfo> extends ClientOptions {
  readonly group: GroupOptions<State, Info>;
}

export interface GroupOptions<State, Info extends GroupInfo> {
  readonly context: GroupContext<State, Info>;
  readonly role: GroupRole;
  /** SECRET. The secret of the invite: 32 bytes. That of a snapshot is newer. */
  readonly inviteSecret: Uint8Array;
  /** Derives the room of an invite's secret. */
  readonly deriveRoom: (inviteSecret: Uint8Array) => GroupRoom;
  /** What an earlier run of this device stored. */
  readonly snapshot?: Snapshot<State, Info> | undefined;
  /** The order of that snapshot. */
  readonly order?: SnapshotOrder | undefined;
  /**
   * Stores a snapshot, and what the slot of this process reserved. Completes once a crash cannot lose them; errors if
   * they are not stored.
   */
  readonly save: (snapshot: Uint8Array, order: SnapshotOrder, slotRecord?: Uint8Array) => Observable<unknown>;
  /** Emits what the client requests of the group. */
  readonly request$: Observable<GroupRequest>;
  /** Returns a random number that is not secret, 0 <= x < 1, for delays. */
  readonly random: () => number;
  /** Returns random bytes for secrets. */
  readonly randomBytes: (count: number) => Uint8Array;
}
