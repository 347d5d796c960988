import type { MemberCommand } from '../connection/parseCommands.js';
import type { Committed } from '../log/commitQueue.js';
import type { RoomLog } from '../log/roomLog.js';
import type { RoomStart } from './openRoom.js';
import type { LocalMember, Pending } from './pending.js';
import type { ReadEvent, ReadRequest } from './readRecords.js';
import type { RelayMessage } from './relayMessage.js';
import type { Reservation } from './reservation.js';

/** What happens to a shared room. */
export type RoomInput =
  | { readonly type: 'command'; readonly command: MemberCommand }
  /** There are no more commands: the relay stops, or the room is idle. */
  | { readonly type: 'completed' }
  | { readonly type: 'opened'; readonly start: RoomStart }
  | { readonly type: 'open-failed'; readonly reason: string; readonly isNewer: boolean }
  | ReadEvent
  | { readonly type: 'tick-ended' }
  | { readonly type: 'reserved'; readonly reservation: Reservation }
  /** The engine has stored a batch, refused it, or not answered. */
  | { readonly type: 'appended'; readonly number: number; readonly address: number }
  | { readonly type: 'append-refused'; readonly number: number; readonly last: number | undefined }
  | { readonly type: 'append-failed'; readonly number: number }
  /** It is time to read a batch back that was stored, or to append it again. */
  | { readonly type: 'confirm'; readonly number: number; readonly address: number | undefined }
  | { readonly type: 'timer'; readonly pending: Pending }
  | {
      readonly type: 'fetched';
      readonly local: LocalMember;
      readonly entries: ReadonlyMap<number, Uint8Array>;
    }
  | { readonly type: 'message'; readonly message: RelayMessage }
  | { readonly type: 'relay-gone'; readonly relayId: string }
  /** It is time to look for what was missed. */
  | { readonly type: 'check' }
  | { readonly type: 'handoff-timeout'; readonly number: number }
  | { readonly type: 'store-timeout' }
  /** The last snapshot may have become old. */
  | { readonly type: 'snapshot-timeout' };

/** What a shared room wants to be done. */
export type RoomEffect =
  | { readonly type: 'emit'; readonly committed: Committed }
  /** Stop reading, and find after `ms` where to begin again: before a snapshot, by reads from the leader, or anywhere. */
  | { readonly type: 'open'; readonly ms: number; readonly before?: number | undefined }
  | ({ readonly type: 'request' } & ReadRequest)
  | {
      readonly type: 'append';
      readonly number: number;
      readonly bytes: Uint8Array;
      readonly expectedLast: number;
      /** What has to be reserved before, if anything. */
      readonly reservation: Reservation | undefined;
    }
  /** Report the end of the tick. */
  | { readonly type: 'await-tick' }
  | { readonly type: 'fetch'; readonly local: LocalMember; readonly log: RoomLog }
  | { readonly type: 'schedule'; readonly input: RoomInput; readonly ms: number }
  | { readonly type: 'send'; readonly relayId: string; readonly message: RelayMessage }
  | { readonly type: 'complete' };
