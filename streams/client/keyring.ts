import {
  connect,
  type Observable,
  type OperatorFunction,
  startWith,
  switchMap,
  take,
  withLatestFrom,
} from 'rxjs';

declare const fernetKey: unique symbol;

/** A Fernet key: 32 bytes, of which the first 16 sign (HMAC-SHA256) and the last 16 encrypt (AES-128-CBC). */
export type FernetKey = Uint8Array & { readonly [fernetKey]: true };

/** Takes 32 bytes for a Fernet key. */
export const asFernetKey = (bytes: Uint8Array): FernetKey => {
  if (bytes.length !== 32) throw new TypeError(`a fernet key has 32 bytes, not ${bytes.length}`);
  return bytes as FernetKey;
};

/** The keys of a room at one time: the one to seal with, and those that still open. */
export interface Keyring {
  readonly seal: FernetKey;
  readonly open: readonly FernetKey[];
}

/**
 * Pairs each value with the newest keyring: keys are a stream.
 *
 * The source is subscribed only once the first keyring is there, so that nothing has to wait in a queue for a key. A
 * fixed key is `of(keyring)`. Completes with its source; errors with it or with `keyring$`.
 *
 * ```text
 * keyring   --K-----L------
 * value     --a--b----c--|          (subscribed at the first keyring)
 *             withKeyring(keyring$)
 * out       ----(aK)-(bL)-(cL)|
 * ```
 *
 * @example
 * import { of } from 'rxjs';
 * import { asFernetKey, withKeyring } from 'rxchat/streams';
 *
 * const key = asFernetKey(new Uint8Array(32));
 * of('hello').pipe(withKeyring(of({ seal: key, open: [key] }))).subscribe({ error: console.error });
 */
export const withKeyring =
  <T>(keyring$: Observable<Keyring>): OperatorFunction<T, [T, Keyring]> =>
  (value$) =>
    keyring$.pipe(
      connect((ring$) =>
        ring$.pipe(
          take(1),
          switchMap((first) => value$.pipe(withLatestFrom(ring$.pipe(startWith(first))))),
        ),
      ),
    );
