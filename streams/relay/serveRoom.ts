import { type Observable, observeOn, queueScheduler } from 'rxjs';
import type { MemberCommand } from './connection/parseCommands.js';
import type { MemberFailed } from './delivery/deliver.js';
import { deliverCommitted } from './delivery/deliverCommitted.js';
import type { DeliveryCounter } from './delivery/deliveryCounter.js';
import type { CommittedEvent } from './log/commitQueue.js';
import { groupCommit, type GroupCommitOptions } from './log/groupCommit.js';
import { members, type MembersOptions } from './members/members.js';
import { presence, type PresenceOptions } from './members/presence.js';

export interface ServeRoomOptions extends MembersOptions, PresenceOptions, GroupCommitOptions {
  /** Time in ms after which a client should retry when the relay stops; 1 s. */
  readonly retryMs?: number;
}

/** An event in a room, in the order of its log. */
export type RoomEvent = CommittedEvent | MemberFailed;

/**
 * Serves one room: puts the commands of its members in order, commits them, and delivers the log to the members.
 *
 * All lines of one tick are committed together, and then each member catches up by its own cursor. When the commands
 * complete, accepted lines are committed, every member gets them, then `BYE`, and its connection is closed. Then the output
 * completes. Unsubscribing closes the connections of the members at once. A failing connection or store is a value here.
 * An error is a failure of the room itself, and closes all connections of its members.
 *
 * ```text
 * command   join a----join b---tokens a----leave b---------|
 *             serveRoom('lobby', options)
 * log       +a--------+b-------gAAAA…------(-b)
 * out       joined----joined---stored------(disconnected, left)|
 * ```
 *
 * @example
 * import { type Observable, timer } from 'rxjs';
 * import type { MemberCommand } from 'rxchat/streams';
 * import { serveRoom } from './serveRoom.js';
 *
 * const lobby = (command$: Observable<MemberCommand>) =>
 *   command$.pipe(serveRoom('lobby', { logId: () => 'log', endOfTick$: timer(0) }));
 */
export const serveRoom =
  (name: string, { retryMs = 1000, ...options }: ServeRoomOptions, deliveries?: DeliveryCounter) =>
  (command$: Observable<MemberCommand>): Observable<RoomEvent> =>
    command$.pipe(
      // The total order is made here: commands leave this queue in the order of the log, one at a time. A member whose
      // connection fails while a line is delivered leaves within that call, so its `leave` waits behind that line.
      observeOn(queueScheduler),
      members(options),
      presence(options),
      groupCommit(name, options),
      deliverCommitted({ retryMs, deliveries }),
    );
