import { map, type Observable, type OperatorFunction } from 'rxjs';
import type { RoomName } from '../wire/handshake.js';
import type { Verify } from '../wire/signature.js';
import type { Alarm } from './alarm.js';
import type { Cipher, Plaintext, Token, Unopened } from './cipher.js';
import { decodeEnvelope, isSigned, type SignedEnvelope } from './envelope.js';
import { type Keyring, withKeyring } from './keyring.js';

/** A token in its place in the room's order. */
export interface TokenEntry {
  readonly type: 'token';
  readonly position: number;
  readonly token: Token;
}

/** A token that opened, and whose signature holds. */
export interface Opened {
  readonly type: 'opened';
  readonly position: number;
  readonly token: Token;
  readonly envelope: SignedEnvelope;
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
  readonly verify: Verify;
  /** The room that is read: envelopes for others are none of ours. */
  readonly room: RoomName;
}

/**
 * Tokens in, envelopes out; whatever else comes passes.
 *
 * Each key of the keyring is tried, the newest first. A token that no key opens, or that holds no envelope, is an
 * `undecryptable` value, and one that is not signed by whom it names, or for another room, an `alarm`: neither ends the
 * stream. Verifies once a token, however many lines are in it. Completes with its source; errors with it, with
 * `keyring$`, or where what is injected throws.
 *
 * ```text
 * entry    --token--------garbage--------forged--joined--|
 *            open(options)
 * out      --opened-------undecryptable--alarm---joined--|
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
    ...options
  }: OpenOptions): OperatorFunction<TokenEntry | Other, Opened | Undecryptable | Alarm | Other> =>
  (entry$) =>
    entry$.pipe(
      withKeyring(keyring$),
      map(([entry, keyring]) => (isToken(entry) ? openOne(entry, keyring, options) : entry)),
    );

const isToken = (entry: { readonly type: string }): entry is TokenEntry => entry.type === 'token';

const openOne = (
  { position, token }: TokenEntry,
  keyring: Keyring,
  { cipher, verify, room }: Omit<OpenOptions, 'keyring$'>,
): Opened | Undecryptable | Alarm => {
  let reason: Unopened = 'wrong key or tampered';
  for (const key of keyring.open) {
    const result: Plaintext | Unopened = cipher.open(key, token);
    if (typeof result !== 'string') {
      const envelope = decodeEnvelope(result);
      if (envelope === undefined) return { type: 'undecryptable', position, reason: 'not an envelope' };
      const { nick, key: signer } = envelope;
      if (!isSigned(result, envelope, verify))
        return { type: 'alarm', position, reason: 'bad-signature', nick, key: signer };
      if (envelope.room !== room) return { type: 'alarm', position, reason: 'other-room', nick, key: signer };
      return { type: 'opened', position, token, envelope };
    }
    reason = result;
  }
  return { type: 'undecryptable', position, reason };
};
