import { map, type Observable, type OperatorFunction } from 'rxjs';
import type { RoomName, Verify } from '../../wire/handshake.js';
import {
  type Cipher,
  type Keyring,
  type OpenFailure,
  type Plaintext,
  type Token,
  withKeyring,
} from '../envelope/cipher.js';
import { decodeEnvelope, hasValidSignature, type SignedEnvelope } from '../envelope/envelope.js';
import type { Alarm } from '../integrity/alarm.js';
import type { TokenEntry } from './entries.js';

/** A token that was decrypted and has a valid signature. */
export interface OpenedToken {
  readonly type: 'opened';
  readonly position: number;
  readonly token: Token;
  readonly envelope: SignedEnvelope;
}

/** A token that could not be decrypted. */
export interface Undecryptable {
  readonly type: 'undecryptable';
  readonly position: number;
  readonly reason: OpenFailure | 'not an envelope';
}

export interface OpenOptions {
  readonly keyring$: Observable<Keyring>;
  readonly cipher: Cipher;
  readonly verify: Verify;
  /** The room of the client. An envelope for another room raises an alarm. */
  readonly room: RoomName;
}

/**
 * Decrypts and verifies tokens; passes everything else on.
 *
 * Tries each key of the keyring, the newest first. A token that cannot be decrypted or has no envelope becomes
 * `undecryptable`. A token with an invalid signature or for another room becomes an `alarm`. Both are values. Verifies one
 * signature per token, for all of its lines. Completes with its source. Errors with it, with `keyring$`, or with what the
 * cipher or `verify` throws.
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
 * const opened = (entry$: Observable<TokenEntry>, options: OpenOptions) => entry$.pipe(open(options));
 */
export const open =
  <T extends { readonly type: string }>({
    keyring$,
    ...options
  }: OpenOptions): OperatorFunction<
    T | TokenEntry,
    OpenedToken | Undecryptable | Alarm | Exclude<T, TokenEntry>
  > =>
  (entry$) =>
    entry$.pipe(
      withKeyring(keyring$),
      map(([entry, keyring]) =>
        isToken(entry) ? openToken(entry, keyring, options) : (entry as Exclude<T, TokenEntry>),
      ),
    );

const isToken = (entry: { readonly type: string }): entry is TokenEntry => entry.type === 'token';

const openToken = (
  { position, token }: TokenEntry,
  keyring: Keyring,
  { cipher, verify, room }: Omit<OpenOptions, 'keyring$'>,
): OpenedToken | Undecryptable | Alarm => {
  let reason: OpenFailure = 'wrong key or tampered';
  for (const key of keyring.open) {
    const result: Plaintext | OpenFailure = cipher.open(key, token);
    if (typeof result !== 'string') {
      const envelope = decodeEnvelope(result);
      if (envelope === undefined) return { type: 'undecryptable', position, reason: 'not an envelope' };
      const { nick, key: signer } = envelope;
      if (!hasValidSignature(result, envelope, verify))
        return { type: 'alarm', position, reason: 'bad-signature', nick, key: signer };
      if (envelope.room !== room) return { type: 'alarm', position, reason: 'other-room', nick, key: signer };
      return { type: 'opened', position, token, envelope };
    }
    reason = result;
  }
  return { type: 'undecryptable', position, reason };
};
