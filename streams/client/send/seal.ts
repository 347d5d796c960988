import { defer, map, type Observable, type OperatorFunction } from 'rxjs';
import type { RoomName } from '../../wire/handshake.js';
import { type Cipher, type Keyring, type Token, withKeyring } from '../envelope/cipher.js';
import { type Act, encodeEnvelope, type Envelope } from '../envelope/envelope.js';
import type { Identity } from '../envelope/identity.js';

/** A message to send: one or more lines that become one token. */
export interface OutgoingMessage {
  readonly lines: readonly string[];
  /** The kind of the message, unless it is plain text. */
  readonly act?: Act | undefined;
}

/** A message with its token. */
export interface SealedMessage extends OutgoingMessage {
  readonly token: Token;
}

export interface SealOptions {
  readonly keyring$: Observable<Keyring>;
  readonly cipher: Cipher;
  readonly identity: Identity;
  readonly nick: string;
  readonly room: RoomName;
  /** Identifies this run of the client to the members: 16 random bytes, base64url. Every member can read it. */
  readonly senderSession: string;
  /** Returns the time of day in ms since 1970. */
  readonly now: () => number;
  /** Called for each envelope. Returns what is stored and read so far, and the nick if it has changed. */
  readonly getAttestation?: () => Pick<Envelope, 'stored' | 'seen'> & Partial<Pick<Envelope, 'nick'>>;
}

const SECONDS_PER_MINUTE = 60;

/**
 * Signs and encrypts messages, one token for all lines of a message.
 *
 * Envelopes are numbered from 1 in each subscription. The relay can read the time of a token, so that time is rounded
 * down to a minute. Completes with its source. Errors with it, with `keyring$`, or with a `LimitError` for a message that
 * is too long.
 *
 * ```text
 * message   --hello--------world--|
 *             seal(options)
 * sealed    --gAAAA…-------gAAAA…-|
 * ```
 *
 * @example
 * import { of } from 'rxjs';
 * import { seal, type SealOptions } from 'rxchat/streams';
 *
 * const sealed = (options: SealOptions) => of({ lines: ['hello'] }).pipe(seal(options));
 */
export const seal =
  ({
    keyring$,
    cipher,
    identity,
    nick,
    room,
    senderSession,
    now,
    getAttestation = () => ({ stored: 0 }),
  }: SealOptions): OperatorFunction<OutgoingMessage, SealedMessage> =>
  (message$) =>
    defer(() => {
      let counter = 0;
      return message$.pipe(
        withKeyring(keyring$),
        map(([{ lines, act }, keyring]) => {
          const time = now();
          counter += 1;
          const key = identity.key;
          const envelope = { nick, lines, act, room, key, session: senderSession, counter, time };
          const plaintext = encodeEnvelope({ ...envelope, ...getAttestation() }, identity);
          const roundedTime = Math.floor(time / 1000 / SECONDS_PER_MINUTE) * SECONDS_PER_MINUTE;
          return { token: cipher.seal(keyring.seal, plaintext, roundedTime), lines, ...(act && { act }) };
        }),
      );
    });
