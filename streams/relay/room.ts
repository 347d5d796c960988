import { connect, filter, merge, type Observable, observeOn, queueScheduler, share } from 'rxjs';
import { eachOf } from '../wire/eachOf.js';
import type { Command } from './commands.js';
import { groupCommit, type GroupCommitOptions } from './groupCommit.js';
import { presence, type PresenceOptions } from './presence.js';
import { rollCall, type RollCallOptions } from './rollCall.js';
import type { RoomEvent } from './roomEvent.js';
import { serveMembers } from './serveMembers.js';

export interface RoomOptions extends RollCallOptions, PresenceOptions, GroupCommitOptions {
  /** How long, in ms, a client should wait before it comes back to a relay that stopped. */
  readonly retryMs?: number;
}

/**
 * One room: its members' commands in, in their one order; appended to its log and committed; fanned out to the members'
 * sinks. Emits what happened, for whoever watches.
 *
 * All that is appended within one turn is committed and announced together, and each member's sink then catches up by
 * its own cursor. When the commands complete, what was accepted is committed, every member gets it, then `BYE`, and its
 * connection is closed; then it completes. Unsubscribing closes the members' connections at once. A member's failing
 * connection is its own affair and a value here, and so is a store that takes nothing; an error is a fault of the room
 * itself, and closes them all.
 *
 * ```text
 * command   join a----join b---tokens a----leave b--|
 *             room('lobby', options)
 * log       +a--------+b-------gAAAA…------(-b)
 * out       joined----joined---stored------left------|
 * ```
 *
 * @example
 * import { type Observable, timer } from 'rxjs';
 * import { type Command, room } from 'rxchat/streams';
 *
 * const lobby = (command$: Observable<Command>) =>
 *   command$.pipe(room('lobby', { logId: () => 'log', turn$: timer(0) }));
 */
export const room =
  (name: string, { retryMs = 1000, ...options }: RoomOptions) =>
  (command$: Observable<Command>): Observable<RoomEvent> =>
    command$.pipe(
      // The one trampoline. A member whose connection fails while a line is being delivered leaves within that very
      // call; nobody may see it leave before that line.
      observeOn(queueScheduler),
      rollCall(options),
      presence(options),
      groupCommit(name, options),
      connect((committed$) => {
        const grown$ = committed$.pipe(
          filter(({ grew }) => grew),
          share(),
        );
        return committed$.pipe(
          eachOf(({ events }) => events),
          connect((event$) => merge(event$.pipe(serveMembers({ grown$, retryMs })), event$)),
        );
      }),
    );
