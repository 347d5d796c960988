import { type Observable, observeOn, queueScheduler } from 'rxjs';
import type { MemberCommand } from '../connection/parseCommands.js';
import type { MemberFailed } from '../delivery/deliver.js';
import { deliverCommitted } from '../delivery/deliverCommitted.js';
import type { DeliveryCounter } from '../delivery/deliveryCounter.js';
import type { CommittedEvent } from '../log/commitQueue.js';
import { ledgerCommit } from './ledgerCommit.js';
import type { LedgerCommitOptions } from './ledgerCommitOptions.js';

export interface SharedRoomOptions extends LedgerCommitOptions {
  /** Time in ms after which a client should retry when the relay stops; 1 s. */
  readonly retryMs?: number;
}

/**
 * Serves one room that other relays serve, too: `serveRoom`, with the order of a `Ledger`.
 *
 * Each relay appends batches of what it has decided, and all relays read the same log from them. A line is stored when the
 * batch with it was read back and is valid. If the engine does not answer, members wait. After `storeTimeoutMs` those that wait
 * are refused with `storage`, and so are new ones, until it answers. If another relay takes over a session, the connection
 * here is closed.
 *
 * When the commands complete, accepted lines are committed, every member gets them, then `BYE`, and its connection is closed.
 * Then the output completes. Unsubscribing closes the connections of the members at once. An error is a failure of the room
 * itself.
 *
 * ```text
 * relay 1   join a-------tokens a--------------
 * relay 2   ------join b-----------tokens b----
 * log       +a-----+b-----gAAAA…-----gAAAA…----
 * ```
 */
export const sharedRoom =
  (name: string, { retryMs = 1000, ...options }: SharedRoomOptions, deliveries?: DeliveryCounter) =>
  (command$: Observable<MemberCommand>): Observable<CommittedEvent | MemberFailed> =>
    command$.pipe(
      observeOn(queueScheduler),
      ledgerCommit(name, options),
      deliverCommitted({ retryMs, deliveries }),
    );
