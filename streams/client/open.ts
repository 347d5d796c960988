import { map, type Observable, type OperatorFunction } from 'rxjs';
import type { Cipher, Plaintext, Token, Unopened } from './cipher.js';
import { decodeEnvelope, type Envelope } from './envelope.js';
import { type Keyring, withKeyring } from './keyring.js';

/** A token in its place in the room's order. */
export interface TokenEntry {
  readonly type: 'token';
  readonly position: number;
  readonly token: Token;
}

/** A token that opened. */
export interface Opened {
  readonly type: 'opened';
  readonly position: number;
  readonly token: Token;
  readonly envelope: Envelope;
}

/** A token that did not. The stream goes on. */
export interface Undecryptable {
  readonly type: 'undecryptable';
  readonly position: number;
  readonly reason: Unopened | 'not an envelope';
}

export interface OpenOptions {
  readonly keyring$: Observable<Keyring>;
  readonly cipher: Cipher;
}

/**
 * Tokens in, envelopes out; whatever else comes passes.
 *
 * Each key of the keyring is tried, the newest first. A token that no key opens, or that holds no envelope, is an
 * `undecryptable` value: it never ends the stream. Completes with its source; errors with it or with `keyring$`.
 *
 * ```text
 * entry    --token--------garbage--------joined--|
 *            open({ keyring$, cipher })
 * out      --opened-------undecryptable--joined--|
 * ```
 *
 * @example
 * import type { Observable } from 'rxjs';
 * import { open, type OpenOptions, type TokenEntry } from 'rxchat/streams';
 *
 * const opened = (entry$: Observable<TokenEntry>, options: OpenOptions) => entry$.pipe(open<never>(options));
 */
export const open =
  <Other extends { readonly type: string }>({
    keyring$,
    cipher,
  }: OpenOptions): OperatorFunction<TokenEntry | Other, Opened | Undecryptable | Other> =>
  (entry$) =>
    entry$.pipe(
      withKeyring(keyring$),
      map(([entry, keyring]) => (isToken(entry) ? openOne(entry, keyring, cipher) : entry)),
    );

const isToken = (entry: { readonly type: string }): entry is TokenEntry => entry.type === 'token';

const openOne = (
  { position, token }: TokenEntry,
  keyring: Keyring,
  cipher: Cipher,
): Opened | Undecryptable => {
  let reason: Unopened = 'wrong key or tampered';
  for (const key of keyring.open) {
    const result: Plaintext | Unopened = cipher.open(key, token);
    if (typeof result !== 'string') {
      const envelope = decodeEnvelope(result);
      return envelope === undefined
        ? { type: 'undecryptable', position, reason: 'not an envelope' }
        : { type: 'opened', position, token, envelope };
    }
    reason = result;
  }
  return { type: 'undecryptable', position, reason };
};
