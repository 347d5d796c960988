import type { FernetKey } from './keyring.js';

declare const token: unique symbol;
declare const plaintext: unique symbol;

/** A Fernet token as text: padded base64url, one line of the wire. */
export type Token = string & { readonly [token]: true };

/** What is inside a token. Nothing of the relay's can name this type. */
export type Plaintext = Uint8Array & { readonly [plaintext]: true };

/** Why a token did not open. */
export type Unopened = 'malformed' | 'wrong key or tampered' | 'expired' | 'from the future';

/** How old a token may be. */
export interface Freshness {
  /** The time to judge by, seconds since 1970. */
  readonly now: number;
  /** The oldest age that is taken, in seconds. */
  readonly ttl: number;
}

/**
 * An engine for Fernet (https://github.com/fernet/spec): AES-128-CBC and HMAC-SHA256 under a 256-bit key. Synchronous,
 * so that sealing is a `map`. All engines are held to the same vectors.
 */
export interface Cipher {
  /** A token of a plaintext, with a time (whole seconds since 1970) that everyone can read. */
  seal(key: FernetKey, plaintext: Plaintext, time: number): Token;
  /** The plaintext, or why not. Without `freshness` a token of any time opens: history has no expiry. */
  open(key: FernetKey, token: Token, freshness?: Freshness): Plaintext | Unopened;
}
