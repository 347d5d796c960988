import { catchError, defer, type Observable, tap, throwError, timeout } from 'rxjs';
import type { Connection } from '../../wire/connection.js';
import { ConnectionError, ProtocolError, RefusedError, TRANSIENT_CODES } from '../../wire/errors.js';

/** Relays that serve the same rooms. A client tries them in turn. */
export interface RelayRotation {
  /** How many relays there are. */
  readonly count: number;
  /** Connects to the current relay. */
  readonly connect$: Observable<Connection>;
  /** Joins over a connection to the current relay, or to the first one after it that welcomes the client. */
  readonly connect: <T extends { readonly type: string }>(
    joinOver: (connect$: Observable<Connection>) => Observable<T>,
  ) => Observable<T>;
  /** Makes the next relay the current one, since the connection has ended. */
  readonly advance: () => void;
}

/** How long a relay may take to accept a connection before the next one is tried, in ms. The last one has its own limit. */
const CONNECT_TIMEOUT_MS = 4000;

/**
 * Creates the rotation of relays in this order, which begins with the first one.
 *
 * `connect` tries each relay once: the next one if a relay cannot be reached, does not answer, is not a relay, says `BYE`,
 * or refuses with a transient code. It errors if all have failed: with the last answer of a relay, or else with the reasons
 * of all. Other refusals, and everything after a `welcome`, pass through. So does the `BYE` of the last relay.
 *
 * ```text
 * relay 1   --#
 * relay 2     --welcome--a--#
 *              connect, advance, connect
 * out       ----welcome--a--#
 * relay 3                   -welcome-
 * ```
 *
 * @example
 * import type { Observable } from 'rxjs';
 * import type { Connection } from 'rxchat/streams';
 * import { relayRotation } from './relayRotation.js';
 *
 * const rotation = (a: Observable<Connection>, b: Observable<Connection>) => relayRotation([a, b]);
 */
export const relayRotation = (relays: readonly Observable<Connection>[]): RelayRotation => {
  let current = 0;
  const advance = () => {
    current = (current + 1) % relays.length;
  };

  const currentRelay = () =>
    relays[current] ?? throwError(() => new ConnectionError('the client has no relay'));

  return {
    count: relays.length,
    connect$: defer(currentRelay),
    advance,
    connect: <T extends { readonly type: string }>(
      joinOver: (connect$: Observable<Connection>) => Observable<T>,
    ) =>
      defer(() => {
        const failures: unknown[] = [];
        const attempt = (): Observable<T> => {
          const isLast = failures.length === relays.length - 1;
          const relay$ = currentRelay();
          let isWelcome = false;
          return joinOver(
            isLast ? relay$ : relay$.pipe(timeout({ first: CONNECT_TIMEOUT_MS, with: tooSlow })),
          ).pipe(
            tap(({ type }) => {
              isWelcome ||= type === 'welcome';
              if (type === 'bye' && !isWelcome && !isLast)
                throw new ConnectionError('the relay is busy or shutting down');
            }),
            catchError((error: unknown) => {
              if (isWelcome || !mayWorkElsewhere(error)) throw error;
              failures.push(error);
              if (isLast) throw summarize(failures);
              advance();
              return attempt();
            }),
          );
        };
        return attempt();
      }),
  };
};

const tooSlow = () =>
  throwError(() => new ConnectionError(`a relay accepted no connection for ${CONNECT_TIMEOUT_MS / 1000} s`));

const mayWorkElsewhere = (error: unknown): boolean =>
  error instanceof RefusedError
    ? TRANSIENT_CODES.has(error.code)
    : error instanceof ConnectionError || error instanceof ProtocolError;

/** Returns the last failure that is an answer of a relay, or else one failure with all reasons. */
const summarize = (failures: readonly unknown[]): unknown =>
  failures.filter((failure) => !(failure instanceof ConnectionError)).at(-1) ??
  new ConnectionError([...new Set(failures.map((failure) => (failure as Error).message))].join('; '));
