import { catchError, defer, EMPTY, mergeMap, type Observable, of, takeUntil, tap, timer } from 'rxjs';
import { repeatAfter } from '../../rx/repeatAfter.js';
import { RefusedError } from '../../wire/errors.js';

/** The relay accepted another nick of this client. */
export interface Renamed {
  readonly type: 'renamed';
  readonly nick: string;
}

/** The relay rejected a nick. The client keeps its present nick. */
export interface RenameRejected {
  readonly type: 'rename-rejected';
  readonly nick: string;
  /** The text of the relay. */
  readonly reason: string;
}

/** The nick of a client, which may change. */
export interface NickChange {
  /** The nick that the relay accepted last, or the initial nick. */
  readonly nick: string;
  /** Requests another nick. */
  readonly request: (nick: string) => void;
  /** Connects with the present or requested nick, and reconnects at once when `requested$` emits. */
  readonly connect: <T extends { readonly type: string }>(
    connectAs: (nick: string) => Observable<T>,
    requested$: Observable<unknown>,
  ) => Observable<T | Renamed | RenameRejected>;
}

const isNickRejection = (error: unknown): error is RefusedError =>
  error instanceof RefusedError && error.code.startsWith('nick-');

/**
 * Changes the nick of a client by a new connection with the same session.
 *
 * A relay identifies a member by its session, so the new connection replaces the present one. If the relay rejects the
 * nick, `rename-rejected` is emitted and the client reconnects with its present nick. Other errors and completion pass
 * through. A nick that is requested without a connection applies to the next one.
 *
 * ```text
 * requested     ------bob--------carol--
 * connection    -w-a-|      as alice
 *                      -w-b-|            as bob
 *                               -# nick-taken
 *                                 -w-    as bob
 * out           -w-a---rw-b-----x-w-     r: renamed, x: rename-rejected
 * ```
 *
 * @example
 * import { EMPTY, of } from 'rxjs';
 * import { nickChange } from './nickChange.js';
 *
 * const { connect } = nickChange('alice');
 * connect((nick) => of({ type: 'welcome', nick }), EMPTY).subscribe({ next: console.log, error: console.error });
 */
export const nickChange = (initialNick: string): NickChange => {
  let nick = initialNick;
  let requestedNick: string | undefined;

  return {
    get nick() {
      return nick;
    },
    request: (other) => {
      requestedNick = other;
    },
    connect: <T extends { readonly type: string }>(
      connectAs: (nick: string) => Observable<T>,
      requested$: Observable<unknown>,
    ) =>
      defer(() => {
        let shouldRepeat = false;
        const attempt$ = defer(() => {
          const attemptedNick = requestedNick ?? nick;
          shouldRepeat = false;
          return connectAs(attemptedNick).pipe(
            mergeMap((value): readonly (T | Renamed)[] => {
              if (value.type !== 'welcome') return [value];
              if (requestedNick === attemptedNick) requestedNick = undefined;
              if (attemptedNick === nick) return [value];
              nick = attemptedNick;
              return [{ type: 'renamed', nick }, value];
            }),
            catchError((error: unknown): Observable<RenameRejected> => {
              if (attemptedNick === nick || !isNickRejection(error)) throw error;
              if (requestedNick === attemptedNick) requestedNick = undefined;
              shouldRepeat = true;
              return of({ type: 'rename-rejected', nick: attemptedNick, reason: error.message });
            }),
            takeUntil(requested$.pipe(tap(() => (shouldRepeat = true)))),
          );
        });
        // A timer, so that connections that fail at once do not grow the stack.
        return attempt$.pipe(repeatAfter(() => (shouldRepeat ? timer(0) : EMPTY)));
      }),
  };
};
