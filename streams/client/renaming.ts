import {
  catchError,
  concat,
  defer,
  EMPTY,
  mergeMap,
  type Observable,
  of,
  retry,
  takeUntil,
  tap,
  throwError,
  timer,
} from 'rxjs';
import { RefusedError } from '../wire/errors.js';

/** The relay has taken another nick: one goes by it from now on. */
export interface Renamed {
  readonly type: 'renamed';
  readonly nick: string;
}

/** The relay does not take a nick that one wanted to go by: one keeps the one that one has. */
export interface NotRenamed {
  readonly type: 'not-renamed';
  readonly nick: string;
  /** In words of the relay. */
  readonly reason: string;
}

/** What one goes by, which may change. */
export interface Renaming {
  /** The nick that the relay has taken, or is to take first. */
  readonly nick: string;
  /** Takes note of another nick that is wanted. */
  readonly want: (nick: string) => void;
  /** A link under one's nick, which is made anew, at once, when `wanted$` emits: under the one that is wanted. */
  readonly link: <T extends { readonly type: string }>(
    make: (nick: string) => Observable<T>,
    wanted$: Observable<unknown>,
  ) => Observable<T | Renamed | NotRenamed>;
}

/** Never leaves `link`. */
const AGAIN = new Error('again');

const isRefusal = (error: unknown): error is RefusedError =>
  error instanceof RefusedError && error.code.startsWith('nick-');

/**
 * Goes by one nick, and by another one once the relay has taken it.
 *
 * A relay knows a member by its session, so a link with another nick takes the place of the one before. Where the relay
 * refuses the nick, a `not-renamed` tells so and the link is made again under the old one; any other error passes. A link
 * that is over is over: it completes as what was made does. What is wanted while there is no link counts for the next.
 *
 * ```text
 * wanted        ------bob--------carol--
 * link          -w-a-|      under alice
 *                      -w-b-|            under bob
 *                               -# nick-taken
 *                                 -w-    under bob
 * out           -w-a---rw-b-----n-w-     r: renamed, n: not-renamed
 * ```
 *
 * @example
 * import { EMPTY, of } from 'rxjs';
 * import { renaming } from 'rxchat/streams';
 *
 * const { link } = renaming('alice');
 * link((nick) => of({ type: 'welcome', nick }), EMPTY).subscribe({ next: console.log, error: console.error });
 */
export const renaming = (first: string): Renaming => {
  let nick = first;
  let wish: string | undefined;

  return {
    get nick() {
      return nick;
    },
    want: (other) => {
      wish = other;
    },
    link: <T extends { readonly type: string }>(
      make: (nick: string) => Observable<T>,
      wanted$: Observable<unknown>,
    ) =>
      defer(() => {
        let again = false;
        const once$ = defer(() => {
          const asked = wish ?? nick;
          again = false;
          return make(asked).pipe(
            mergeMap((value): readonly (T | Renamed)[] => {
              if (value.type !== 'welcome') return [value];
              if (wish === asked) wish = undefined;
              if (asked === nick) return [value];
              nick = asked;
              return [{ type: 'renamed', nick }, value];
            }),
            catchError((error: unknown): Observable<NotRenamed> => {
              if (asked === nick || !isRefusal(error)) throw error;
              if (wish === asked) wish = undefined;
              again = true;
              return of({ type: 'not-renamed', nick: asked, reason: error.message });
            }),
            takeUntil(wanted$.pipe(tap(() => (again = true)))),
          );
        });
        // By a timer: links that are refused at once must not grow the stack.
        // It is `repeat({ delay })`, which RxJS has from 7.6 on.
        return concat(
          once$,
          defer(() => (again ? throwError(() => AGAIN) : EMPTY)),
        ).pipe(
          retry({
            delay: (error: unknown) => {
              if (error !== AGAIN) throw error;
              return timer(0);
            },
          }),
        );
      }),
  };
};
