import {
  connect,
  type Observable,
  type OperatorFunction,
  startWith,
  switchMap,
  take,
  withLatestFrom,
} from 'rxjs';

declare const token: unique symbol;
declare const plaintext: unique symbol;

/** A Fernet token as text: padded base64url, one line of the wire. */
export type Token = string & { readonly [token]: true };

/** The decrypted content of a token. The relay cannot name this type. */
export type Plaintext = Uint8Array & { readonly [plaintext]: true };

/** Why a token could not be decrypted. */
export type OpenFailure = 'malformed' | 'wrong key or tampered' | 'expired' | 'from the future';

/** Limits the age of a token. */
export interface TimeWindow {
  /** The current time in seconds since 1970. */
  readonly now: number;
  /** The maximum age in seconds. */
  readonly ttl: number;
}

/**
 * A Fernet engine (https://github.com/fernet/spec): AES-128-CBC and HMAC-SHA256 under a 256-bit key.
 *
 * It is synchronous, so that sealing is a `map`. All engines pass the same test vectors.
 */
export interface Cipher {
  /** Encrypts a plaintext. Everyone can read `time` in the token: whole seconds since 1970. */
  seal(key: FernetKey, plaintext: Plaintext, time: number): Token;
  /** Decrypts a token, or returns why it cannot. Without `window` tokens of any age open: history does not expire. */
  open(key: FernetKey, token: Token, window?: TimeWindow): Plaintext | OpenFailure;
  /** As `seal`, without base64url, for the tokens inside of tokens in group rooms. Without it the text is decoded. */
  sealBytes?(key: FernetKey, plaintext: Plaintext, time: number): Uint8Array;
  /** As `open`, without base64url. Without it the bytes are encoded. */
  openBytes?(key: FernetKey, token: Uint8Array, window?: TimeWindow): Plaintext | OpenFailure;
}

declare const fernetKey: unique symbol;

/** A Fernet key: 32 bytes, of which the first 16 sign (HMAC-SHA256) and the last 16 encrypt (AES-128-CBC). */
export type FernetKey = Uint8Array & { readonly [fernetKey]: true };

/** Brands 32 bytes as a Fernet key. Throws a `TypeError` for another length. */
export const asFernetKey = (bytes: Uint8Array): FernetKey => {
  if (bytes.length !== 32) throw new TypeError(`a fernet key has 32 bytes, not ${bytes.length}`);
  return bytes as FernetKey;
};

/** The keys of a room at one time: the key to seal with, and the keys that still open tokens. */
export interface Keyring {
  readonly seal: FernetKey;
  readonly open: readonly FernetKey[];
}

/**
 * Pairs each value with the newest keyring.
 *
 * Subscribes to the source once the first keyring arrives, so that no value waits in a queue. A fixed key is
 * `of(keyring)`. Completes with its source; errors with it or with `keyring$`.
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
 * import { asFernetKey } from 'rxchat/streams';
 * import { withKeyring } from './cipher.js';
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
