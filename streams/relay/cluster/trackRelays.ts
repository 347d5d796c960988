import {
  concat,
  distinctUntilChanged,
  map,
  mergeMap,
  NEVER,
  type Observable,
  of,
  type OperatorFunction,
  type SchedulerLike,
  switchMap,
  timer,
} from 'rxjs';
import { groupByUntil } from '../../rx/groupByUntil.js';
import type { RelayPresence } from './ledger.js';

/** Interval in ms at which a relay sends heartbeats to the others. */
export const HEARTBEAT_MS = 1000;
/** A relay that was silent for this long in ms is gone. */
export const GONE_MS = 5000;

export interface TrackRelaysOptions {
  /** Emits whether heartbeats can arrive. While they cannot, silence means nothing. */
  readonly isConnected$: Observable<boolean>;
  readonly scheduler?: SchedulerLike | undefined;
}

/**
 * Maps the heartbeats of relays, and the `gone` that a stopping one sends, to changes of their presence.
 *
 * Emits `alive` at the first heartbeat of a relay, and `gone` when it stops or was silent for `GONE_MS`. The time of
 * silence restarts with each connection.
 *
 * ```text
 * a: alive, A: gone of the same relay
 *         a-a-a-------------A--
 *           trackRelays
 *         a--------(5 s)A------
 * ```
 */
export const trackRelays =
  ({ isConnected$, scheduler }: TrackRelaysOptions): OperatorFunction<RelayPresence, RelayPresence> =>
  (presence$) => {
    /** Emits after `GONE_MS` with a connection. */
    const silence$ = isConnected$.pipe(
      switchMap((isConnected) =>
        isConnected
          ? // A process that was stopped runs overdue timers before it reads its sockets. The second timer is never overdue.
            timer(GONE_MS - HEARTBEAT_MS, scheduler).pipe(switchMap(() => timer(HEARTBEAT_MS, scheduler)))
          : NEVER,
      ),
    );
    const follow = (relay$: Observable<RelayPresence>): Observable<RelayPresence> =>
      relay$.pipe(
        switchMap((presence) =>
          presence.type === 'gone'
            ? of(presence)
            : concat(of(presence), silence$.pipe(map(() => ({ ...presence, type: 'gone' as const })))),
        ),
        distinctUntilChanged((before, after) => before.type === after.type),
      );
    return presence$.pipe(
      groupByUntil(
        ({ relayId }) => relayId,
        (relay$) => follow(relay$).pipe(mergeMap(({ type }) => (type === 'gone' ? of(type) : NEVER))),
      ),
      mergeMap(follow),
    );
  };
