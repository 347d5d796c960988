import type { NatsConnection } from '@nats-io/transport-node';
import { exhaustMap, filter, ignoreElements, type Observable, Subject, takeUntil, tap, timer } from 'rxjs';

/**
 * Time in ms after a request without an answer until the relay connects to another server, unless a leader of a stream has
 * answered meanwhile: this server may be separated from the others, although it still answers pings.
 */
export const UNANSWERED_MS = 5000;

/** Leaves a server of a cluster that passes no requests on to the leaders of the streams. */
export interface Failover {
  /** Changes the server when it has to, while subscribed. Emits nothing. */
  readonly change$: Observable<never>;
  /** Is called with the subject of each request that was answered. */
  readonly onAnswered: (subject: string) => void;
  /** Is called with the subject of a request that was not answered in time, or of an append that the leader could not decide. */
  readonly onUnanswered: (subject: string) => void;
  /** Is called when a record was stored or published: a majority of the servers answers. */
  readonly onStored: () => void;
  /** Is called after a reconnect. Returns whether another one follows, to reach another server. */
  readonly onReconnect: () => boolean;
}

/**
 * Creates the failover of a connection.
 *
 * A leader that is separated from the others answers reads until it notices that, after about 10 s. So after an append without
 * an answer, only a stored record shows that the server is not separated.
 */
export const createFailover = (
  connection: Pick<NatsConnection, 'info' | 'getServer' | 'reconnect'>,
): Failover => {
  const answered = new Subject<'read' | 'stored'>();
  const unanswered = new Subject<'read' | 'append'>();
  let avoided: string | undefined;
  const reconnect = () => {
    connection.reconnect().catch(() => undefined);
  };
  return {
    change$: unanswered.pipe(
      exhaustMap((request) =>
        timer(UNANSWERED_MS).pipe(
          takeUntil(answered.pipe(filter((answer) => answer === 'stored' || request === 'read'))),
        ),
      ),
      tap(() => {
        if (connection.info?.cluster === undefined) return;
        avoided = connection.getServer();
        reconnect();
      }),
      ignoreElements(),
    ),
    onAnswered: (subject) => {
      if (isLeaderRead(subject)) answered.next('read');
    },
    onUnanswered: (subject) => {
      unanswered.next(isAppend(subject) ? 'append' : 'read');
    },
    onStored: () => {
      answered.next('stored');
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

const isAppend = (subject: string): boolean => !subject.startsWith('$JS.API.');

/** Whether only the leader of a stream answers a read. Any server answers the others from its own records. */
const isLeaderRead = (subject: string): boolean =>
  !isAppend(subject) && !subject.startsWith('$JS.API.DIRECT.');
