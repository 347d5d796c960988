import { filter, interval, map, Observable, type Subscription, tap } from 'rxjs';
import { schedulerTime } from '../../rx/tokenBucket.js';
import { BlockCache } from './blockCache.js';
import { FetchQueue } from './fetchQueue.js';
import type { Ledger } from './ledger.js';
import { parseRelayMessage, type RelayMessage } from './relayMessage.js';

/** What the rooms of a relay share: its engine, and the messages of other relays. */
export interface Cluster {
  readonly ledger: Ledger;
  /** Entries of the past that were read from the engine. */
  readonly blockCache: BlockCache;
  readonly fetches: FetchQueue;
  /** Returns a number that was not used before by this process. */
  nextNumber(): number;
  /** Whether a relay is alive, or could be because this one has just started. */
  isAlive(relayId: string): boolean;
  /** Emits the messages to a writer at this relay. */
  messagesTo(writer: string): Observable<RelayMessage>;
  /** Emits when its subscriber, a room, should check for missed records: one room after the other. */
  readonly checkDue$: Observable<void>;
  /** Emits the ids of relays that are gone. */
  readonly gone$: Observable<string>;
}

export interface ClusterOptions {
  /** Time in ms after which the next room is checked; 1 s. */
  readonly checkMs?: number;
}

/** Time in ms in which a relay that is alive must have been heard. */
export const WARM_UP_MS = 6000;
/** One room is checked in each interval, so that the load of the engine does not grow with the number of rooms. */
const CHECK_MS = 1000;

/** Messages of other relays are optional, and the timer does not error. */
const ignore = () => undefined;

/**
 * Connects the rooms of a relay to its ledger.
 *
 * There is one subscription for all rooms to the messages of other relays, and one timer, while there are rooms.
 */
export const joinCluster = (ledger: Ledger, { checkMs = CHECK_MS }: ClusterOptions = {}): Cluster => {
  const startedAt = schedulerTime();
  const inboxes = new Map<string, (message: RelayMessage) => void>();
  const checks = new Set<() => void>();
  /** Relays that have stopped since this one has started. */
  const gone = new Set<string>();
  let number = 0;
  let received: Subscription | undefined;
  let timer: Subscription | undefined;

  const dispatch = (bytes: Uint8Array) => {
    const message = parseRelayMessage(bytes);
    if (message !== undefined) inboxes.get(message.to)?.(message);
  };

  const checkNext = () => {
    const [check] = checks;
    if (check === undefined) return;
    // To the end of the queue.
    checks.delete(check);
    checks.add(check);
    check();
  };

  return {
    ledger,
    blockCache: new BlockCache(),
    fetches: new FetchQueue(),
    nextNumber: () => (number += 1),
    isAlive: (relayId) =>
      ledger.isAlive(relayId) || (!gone.has(relayId) && schedulerTime() - startedAt < WARM_UP_MS),
    messagesTo: (writer) =>
      new Observable((subscriber) => {
        inboxes.set(writer, (message) => {
          subscriber.next(message);
        });
        received ??= ledger.received$.subscribe({ next: dispatch, error: ignore });
        return () => {
          inboxes.delete(writer);
          if (inboxes.size > 0) return;
          received?.unsubscribe();
          received = undefined;
        };
      }),
    checkDue$: new Observable<void>((subscriber) => {
      const check = () => {
        subscriber.next();
      };
      checks.add(check);
      if (checkMs !== Infinity) timer ??= interval(checkMs).subscribe({ next: checkNext, error: ignore });
      return () => {
        checks.delete(check);
        if (checks.size > 0) return;
        timer?.unsubscribe();
        timer = undefined;
      };
    }),
    gone$: ledger.presence$.pipe(
      filter(({ type }) => type === 'gone'),
      map(({ relayId }) => relayId),
      tap((relayId) => {
        // Its id is not used again.
        if (schedulerTime() - startedAt < WARM_UP_MS) gone.add(relayId);
      }),
    ),
  };
};
