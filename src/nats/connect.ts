import { checkServerIdentity } from 'node:tls';
import type { ConnectionOptions, NatsConnection } from '@nats-io/transport-node';
import { catchError, defer, from, map, Observable, retry, switchMap, throwError, timeout, timer } from 'rxjs';
import { describeNetworkError, errorCode } from '../util/errors.js';
import { LedgerError } from './errors.js';

/** What an operator says about the NATS servers. */
export interface NatsServers {
  /** Servers of one cluster as `HOST:PORT`. The client tries them in random order. */
  readonly servers: readonly string[];
  /** Encrypts the connection and verifies the certificate of the server; `ca` is in PEM, by default that of the system. */
  readonly tls?: { readonly ca?: string | undefined } | undefined;
  /** A user and password, or the contents of a credentials file of NATS. */
  readonly credentials?: NatsCredentials | undefined;
}

export type NatsCredentials =
  { readonly user: string; readonly password: string } | { readonly file: Uint8Array };

/** The package that connects to NATS. */
export type NatsLibrary = typeof import('@nats-io/transport-node');

/** A connection that reconnects until it is closed, and the library that made it. */
export interface NatsClient {
  readonly library: NatsLibrary;
  readonly connection: NatsConnection;
}

const RETRY_MS = 500;
const DIAL_TIMEOUT_MS = 5000;
/** Time between two attempts to reconnect to the same server, plus up to as much at random. */
const RECONNECT_MS = 250;
/** A server that leaves three of these unanswered is considered lost. */
const PING_INTERVAL_MS = 2000;
const MAX_PINGS = 3;

/**
 * Connects to one of the servers. Emits the client once and completes; the subscriber has to close it.
 *
 * Retries for `timeoutMs`, then errors with `LedgerError` `unreachable`. Errors at once with `not-installed`, `denied`,
 * or with `unsuitable` if the server requires TLS or its certificate is not trusted.
 *
 * @param onWaiting is called with the reason when the first attempt has failed and others follow.
 */
export const connectNats = (
  options: NatsServers,
  timeoutMs: number,
  onWaiting?: (reason: string) => void,
): Observable<NatsClient> =>
  defer(() => from(import('@nats-io/transport-node'))).pipe(
    catchError((cause: unknown) =>
      throwError(
        () =>
          new LedgerError('not-installed', 'the package @nats-io/transport-node is not installed', {
            hint: 'install it next to rxchat: npm install @nats-io/transport-node',
            cause,
          }),
      ),
    ),
    switchMap((library) => connectWith(library, options, timeoutMs, onWaiting)),
  );

const connectWith = (
  library: NatsLibrary,
  options: NatsServers,
  timeoutMs: number,
  onWaiting: ((reason: string) => void) | undefined,
): Observable<NatsClient> => {
  let lastError: unknown;
  return openConnection(library, connectionOptions(library, options)).pipe(
    retry({
      delay: (error: unknown, count) => {
        lastError = error;
        const final = finalError(error, options);
        if (final !== undefined) return throwError(() => final);
        if (count === 1) onWaiting?.(unreachableError(options, error).message);
        return timer(RETRY_MS);
      },
    }),
    map((connection) => ({ library, connection })),
    timeout({ first: timeoutMs, with: () => throwError(() => unreachableError(options, lastError)) }),
  );
};

/** Connects once. A connection that is made after unsubscribing is closed. */
const openConnection = (library: NatsLibrary, options: ConnectionOptions): Observable<NatsConnection> =>
  new Observable((subscriber) => {
    library.connect(options).then(
      (connection) => {
        if (subscriber.closed) connection.close().catch(() => undefined);
        subscriber.next(connection);
        subscriber.complete();
      },
      (error: unknown) => {
        subscriber.error(error);
      },
    );
  });

const connectionOptions = (
  library: NatsLibrary,
  { servers, tls, credentials }: NatsServers,
): ConnectionOptions => ({
  servers: [...servers],
  name: 'rxchat relay',
  maxReconnectAttempts: -1,
  // A server whose users are being changed must not end the relay.
  ignoreAuthErrorAbort: true,
  reconnectTimeWait: RECONNECT_MS,
  reconnectJitter: RECONNECT_MS,
  reconnectJitterTLS: RECONNECT_MS,
  timeout: DIAL_TIMEOUT_MS,
  pingInterval: PING_INTERVAL_MS,
  maxPingOut: MAX_PINGS,
  noAsyncTraces: true,
  // Without TLS the library would use it if the server offers it, with the authorities of the system.
  tls:
    tls === undefined
      ? null
      : { ...(tls.ca !== undefined && { ca: tls.ca }), ...{ checkServerIdentity: checkIdentity(servers) } },
  ...(credentials !== undefined &&
    ('file' in credentials
      ? { authenticator: library.credsAuthenticator(credentials.file) }
      : { user: credentials.user, pass: credentials.password })),
});

/**
 * Returns a function that checks whether a certificate is valid for one of the servers. The library names no host if it connects
 * to an address, and another one of the cluster if it has learned the address from a server.
 */
const checkIdentity = (servers: readonly string[]): typeof checkServerIdentity => {
  const hosts = servers.map((server) => server.replace(/:\d+$/, '').replace(/^\[|\]$/g, ''));
  return (_, certificate) => {
    const errors = hosts.map((host) => checkServerIdentity(host, certificate));
    return errors.includes(undefined) ? undefined : errors[0];
  };
};

/** Returns the error that ends the attempts to connect, or `undefined` if another attempt may succeed. */
const finalError = (error: unknown, options: NatsServers): LedgerError | undefined => {
  const name = error instanceof Error ? error.name : '';
  if (name === 'AuthorizationError' || name === 'UserAuthenticationExpiredError')
    return new LedgerError(
      'denied',
      `the NATS server at ${formatServers(options)} rejected the credentials`,
      {
        hint:
          options.credentials === undefined
            ? 'give those of a user of the server: --store-creds FILE'
            : 'compare --store-creds with the users of the server',
        cause: error,
      },
    );
  // The library reports it as it signs, not as a failed authentication.
  if (/^nkeys: /.test(error instanceof Error ? error.message : ''))
    return new LedgerError('denied', 'the credentials file of NATS is damaged', {
      hint: 'create it again, and compare --store-creds',
      cause: error,
    });
  return tlsError(error, options);
};

/** Returns the error that ends the attempts if TLS between the relay and a server cannot work. */
const tlsError = (error: unknown, options: NatsServers): LedgerError | undefined => {
  const fail = (message: string, hint: string) =>
    new LedgerError('unsuitable', message, { hint, cause: error });
  const server = `the NATS server at ${formatServers(options)}`;
  const code = errorCode(error) ?? '';
  const message = error instanceof Error ? error.message : '';
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return fail(
      `the certificate of ${server} is for other host names`,
      'name the server in --store as its certificate does',
    );
  if (code === 'CERT_HAS_EXPIRED') return fail(`the certificate of ${server} has expired`, 'renew it');
  if (/CERT|SIGNED|SIGNATURE|^ERR_TLS/.test(code))
    return fail(
      `the certificate of ${server} is not trusted: ${code}`,
      'give the certificate of its authority: --store-ca FILE',
    );
  if (options.tls !== undefined && /server does not support 'tls'/.test(message))
    return fail(`${server} has no TLS`, 'set tls in its configuration, or use nats:// in --store');
  // With `tls: null` the library fails with a `TypeError` if the server requires TLS.
  if (options.tls === undefined && error instanceof Error && causeName(error) === 'TypeError')
    return fail(`${server} requires TLS`, 'use tls:// in --store');
  return undefined;
};

const causeName = ({ cause }: Error): string => (cause instanceof Error ? cause.name : '');

const unreachableError = (options: NatsServers, cause: unknown): LedgerError => {
  const reason = cause instanceof Error ? `: ${describeNetworkError(cause)}` : '';
  return new LedgerError('unreachable', `no NATS server at ${formatServers(options)} answers${reason}`, {
    cause,
  });
};

const formatServers = ({ servers }: NatsServers): string => servers.join(', ');
