import type { Msg, ServerInfo, Status } from '@nats-io/transport-node';
import {
  BehaviorSubject,
  catchError,
  defer,
  distinctUntilChanged,
  EMPTY,
  filter,
  from,
  merge,
  type MonoTypeOperatorFunction,
  Observable,
  of,
  retry,
  Subject,
  switchMap,
  take,
  tap,
  throwError,
  timeout,
  timer,
} from 'rxjs';
import type { NatsClient } from './connect.js';
import { isUnavailable } from './answers.js';
import { LedgerError } from './errors.js';
import { createFailover, type Failover } from './failover.js';

/** Requests and subscriptions of one NATS connection, as Observables. */
export interface Engine {
  /** Returns what the connected server reports about itself. */
  server(): ServerInfo | undefined;
  /** Returns `HOST:PORT` of the connected server. */
  address(): string;
  /** Emits whether a server is connected, and each change. */
  readonly isConnected$: Observable<boolean>;
  /** Emits when nobody serves the subject of a request: the stream has no leader, or is missing. Hot. */
  readonly unserved$: Observable<void>;
  /** The failover. The caller reports what the answers to appends say about the server. */
  readonly failover: Pick<Failover, 'onStored' | 'onUnanswered'>;
  /** Sends a request and emits its answer. */
  request(
    subject: string,
    payload: string | Uint8Array,
    headers?: Readonly<Record<string, string>>,
  ): Observable<Msg>;
  /** Sends a request and emits its answers, until it is unsubscribed. */
  requestMany(subject: string, payload: string, headers?: Readonly<Record<string, string>>): Observable<Msg>;
  /** Emits the messages of a subject, also after a reconnect. Never completes. */
  subscribe(subject: string): Observable<Msg>;
  /** Sends a message that needs no answer. Drops it if no server is connected. */
  publish(subject: string, payload: string | Uint8Array): void;
}

/** Time in ms until a request errors, including its wait for a connection. */
export const REQUEST_TIMEOUT_MS = 5000;

const MIN_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 1000;

/** Status of the message by which a server answers if nobody serves a subject. */
const NO_RESPONDERS = 503;

/** Wait in ms for the last messages before the connection is closed. */
const FLUSH_TIMEOUT_MS = 1000;

class UnservedError extends Error {}

/**
 * Wraps a connection to NATS. Emits the engine once and holds it while subscribed. Errors with `LedgerError`: `denied` if
 * the server reports a missing permission, `failed` if the connection is closed for good.
 *
 * A request waits until a server is connected, so that nothing queues while all servers are away. If nobody serves its
 * subject, it is sent again after a growing delay. It errors with `timeout` after `REQUEST_TIMEOUT_MS` without an answer,
 * or as soon as the connection is lost: the server may have received it or not. If a server of a cluster answers no requests, it
 * connects to another one.
 *
 * Unsubscribing sends what was published, for at most a second, then closes the connection.
 */
export const openEngine = ({ library, connection }: NatsClient): Observable<Engine> =>
  new Observable((subscriber) => {
    const connected = new BehaviorSubject(true);
    const unserved = new Subject<void>();
    const failover = createFailover(connection);
    const lost$ = connected.pipe(filter((isConnected) => !isConnected));

    /** The answer to a ping shows that the server has read the subscriptions. Without one, another reconnect follows. */
    const onReconnect = () => {
      if (failover.onReconnect()) return;
      connection.flush().then(
        () => {
          connected.next(true);
        },
        () => undefined,
      );
    };
    const onStatus = (status: Status) => {
      if (status.type === 'disconnect') connected.next(false);
      else if (status.type === 'reconnect') onReconnect();
      else if (status.type === 'error' && status.error.name === 'PermissionViolationError')
        subscriber.error(
          new LedgerError('denied', `the NATS user lacks a permission: ${status.error.message}`),
        );
    };
    const fail = (error: unknown) => {
      subscriber.error(error);
    };
    subscriber.add(failover.change$.subscribe({ error: fail }));
    subscriber.add(from(connection.status()).subscribe({ next: onStatus, error: fail }));
    subscriber.add(
      from(connection.closed()).subscribe({
        next: (cause) => {
          fail(new LedgerError('failed', 'the connection to NATS was given up', { cause }));
        },
        error: fail,
      }),
    );
    subscriber.add(() => {
      merge(
        defer(() => connection.flush()),
        timer(FLUSH_TIMEOUT_MS),
      )
        .pipe(
          take(1),
          catchError(() => of(undefined)),
          switchMap(() => connection.close()),
          catchError(() => EMPTY),
        )
        .subscribe();
    });

    const subscribe = (subject: string): Observable<Msg> =>
      new Observable((messages) => {
        const subscription = connection.subscribe(subject, {
          callback: (error, message) => {
            if (error === null) messages.next(message);
            else messages.error(error);
          },
        });
        messages.add(() => {
          subscription.unsubscribe();
        });
      });

    const headersOf = (fields: Readonly<Record<string, string>> | undefined) => {
      if (fields === undefined) return {};
      const headers = library.headers();
      for (const [name, value] of Object.entries(fields)) headers.set(name, value);
      return { headers };
    };

    const attempt = (subject: string, send: () => Observable<Msg>): Observable<Msg> =>
      connected.pipe(
        filter(Boolean),
        take(1),
        switchMap(() =>
          defer(send).pipe(failOn(lost$, () => timeoutError(subject, 'the connection was lost'))),
        ),
        retry({
          delay: (error: unknown, count) => {
            if (!(error instanceof UnservedError)) return throwError(() => error);
            unserved.next();
            return timer(Math.min(MAX_BACKOFF_MS, MIN_BACKOFF_MS * 2 ** (count - 1)));
          },
        }),
        timeout({
          each: REQUEST_TIMEOUT_MS,
          with: () => {
            failover.onUnanswered(subject);
            return throwError(() => timeoutError(subject, 'no answer in time'));
          },
        }),
        tap(() => {
          failover.onAnswered(subject);
        }),
      );

    subscriber.next({
      server: () => connection.info,
      address: () => connection.getServer(),
      isConnected$: connected.pipe(distinctUntilChanged()),
      unserved$: unserved.asObservable(),
      failover,
      subscribe,
      request: (subject, payload, headers) =>
        attempt(subject, () => {
          // The library has a timer of its own for each request; the one of `attempt` fires first.
          const options = { timeout: 2 * REQUEST_TIMEOUT_MS, ...headersOf(headers) };
          return from(connection.request(subject, payload, options).catch(throwUnserved)).pipe(
            tap(({ data }) => {
              if (isUnavailable(data)) throw new UnservedError();
            }),
          );
        }),
      requestMany: (subject, payload, headers) =>
        attempt(
          subject,
          () =>
            new Observable((answers) => {
              const inbox = library.createInbox();
              answers.add(
                subscribe(inbox).subscribe({
                  next: (answer) => {
                    if (answer.headers?.code === NO_RESPONDERS) answers.error(new UnservedError());
                    else answers.next(answer);
                  },
                  error: (error: unknown) => {
                    answers.error(error);
                  },
                }),
              );
              connection.publish(subject, payload, { reply: inbox, ...headersOf(headers) });
            }),
        ),
      publish: (subject, payload) => {
        if (connected.value && !connection.isClosed()) connection.publish(subject, payload);
      },
    });
  });

const timeoutError = (subject: string, reason: string): LedgerError =>
  new LedgerError('timeout', `NATS request ${subject}: ${reason}`);

const throwUnserved = (error: unknown): never => {
  const isUnserved =
    error instanceof Error && 'isNoResponders' in error && /no responders/.test(error.message);
  throw isUnserved ? new UnservedError() : error;
};

/** Errors as soon as `signal$` emits. */
const failOn =
  <T>(signal$: Observable<unknown>, error: () => Error): MonoTypeOperatorFunction<T> =>
  (source$) =>
    new Observable((subscriber) => {
      subscriber.add(
        signal$.subscribe({
          next: () => {
            subscriber.error(error());
          },
          error: (failure: unknown) => {
            subscriber.error(failure);
          },
        }),
      );
      subscriber.add(source$.subscribe(subscriber));
    });
