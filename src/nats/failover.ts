import type { NatsConnection } from '@nats-io/transport-node';
import { exhaustMap, ignoreElements, type Observable, Subject, takeUntil, tap, timer } from 'rxjs';

/**
 * Time in ms after a request without an answer, in which no leader of a stream answers one, until the relay connects to another
 * server: this one may be separated from the others, although it still answers pings.
 */
export const UNANSWERED_MS = 5000;

/** Leaves a server of a cluster that passes no requests on to the leaders of the streams. */
export interface Failover {
  /** Changes the server when it has to, while subscribed. Emits nothing. */
  readonly change$: Observable<never>;
  /** Is called with the subject of each request that was answered. */
  readonly onAnswered: (subject: string) => void;
  /** Is called when a request was not answered in time. */
  readonly onUnanswered: () => void;
  /** Is called after a reconnect. Returns whether another one follows, to reach another server. */
  readonly onReconnect: () => boolean;
}

/** Creates the failover of a connection. */
export const createFailover = (
  connection: Pick<NatsConnection, 'info' | 'getServer' | 'reconnect'>,
): Failover => {
  const answered = new Subject<void>();
  const unanswered = new Subject<void>();
  let avoided: string | undefined;
  const reconnect = () => {
    connection.reconnect().catch(() => undefined);
  };
  return {
    change$: unanswered.pipe(
      exhaustMap(() => timer(UNANSWERED_MS).pipe(takeUntil(answered))),
      tap(() => {
        if (connection.info?.cluster === undefined) return;
        avoided = connection.getServer();
        reconnect();
      }),
      ignoreElements(),
    ),
    onAnswered: (subject) => {
      if (needsLeader(subject)) answered.next();
    },
    onUnanswered: () => {
      unanswered.next();
    },
    onReconnect: () => {
      // The library begins with the first server of its list, which may be the same one.
      const isSame = avoided !== undefined && connection.getServer() === avoided;
      avoided = undefined;
      if (isSame) reconnect();
      return isSame;
    },
  };
};

/** Whether only the leader of a stream answers a request. Any server answers the others from its own records. */
const needsLeader = (subject: string): boolean => !subject.startsWith('$JS.API.DIRECT.');
