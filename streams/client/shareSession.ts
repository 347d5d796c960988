import { type MonoTypeOperatorFunction, ReplaySubject, share, timer } from 'rxjs';

export interface ShareSessionOptions {
  /** How long, in ms, a session that nobody uses any more stays, for who comes back soon; 0. */
  readonly linger?: number;
}

/**
 * One session for all who subscribe: the first one makes it, each gets the present one at once, and once the last one has
 * gone it is left, after `linger` ms. Who subscribes after that makes another one. An error is everybody's, and the next
 * subscriber begins anew.
 *
 * ```text
 * one     ^----------!
 * two          ^---------!
 * session s--------------!      left when both have gone
 * ```
 *
 * @example
 * import type { Observable } from 'rxjs';
 * import { type Session, shareSession } from 'rxchat/streams';
 *
 * const shared = (session$: Observable<Session>) => session$.pipe(shareSession({ linger: 5000 }));
 */
export const shareSession = <T>({ linger = 0 }: ShareSessionOptions = {}): MonoTypeOperatorFunction<T> =>
  share({
    connector: () => new ReplaySubject<T>(1),
    resetOnRefCountZero: linger > 0 ? () => timer(linger) : true,
  });
