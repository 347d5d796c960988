import { defer, map, type Observable, type OperatorFunction } from 'rxjs';
import type { RoomName } from '../wire/handshake.js';
import type { Cipher, Token } from './cipher.js';
import { type Act, encodeEnvelope, type Envelope } from './envelope.js';
import type { Identity } from './identity.js';
import { type Keyring, withKeyring } from './keyring.js';

/** Something to say: one line, or several that were waiting together and become one token. */
export interface Say {
  readonly lines: readonly string[];
  /** What the lines are, where they are not simply said. */
  readonly act?: Act | undefined;
}

/** What was said, sealed. */
export interface Sealed extends Say {
  readonly token: Token;
}

export interface SealOptions {
  readonly keyring$: Observable<Keyring>;
  readonly cipher: Cipher;
  readonly identity: Identity;
  readonly nick: string;
  readonly room: RoomName;
  /** 16 random bytes, base64url: names this run of the client to the members; every one of them can read it. */
  readonly run: string;
  /** The clock, in ms since 1970. */
  readonly now: () => number;
  /** Asked once an envelope: what of this run is stored, what was read, and the nick where it is another one by now. */
  readonly testify?: () => Pick<Envelope, 'stored' | 'seen'> & Partial<Pick<Envelope, 'nick'>>;
}

const MINUTE = 60;

/**
 * What is said in, tokens out: signed and encrypted before it leaves the client, once for all lines of a token.
 *
 * Envelopes are numbered from 1 in each subscription. The time on the outside of a token is floored to a minute, since
 * the relay can read it. Completes with its source; errors with it, with `keyring$`, or with `LimitError` for what is
 * too long for a line.
 *
 * ```text
 * say      --hello--------world--|
 *            seal(options)
 * sealed   --gAAAA…-------gAAAA…-|
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
    run,
    now,
    testify = () => ({ stored: 0 }),
  }: SealOptions): OperatorFunction<Say, Sealed> =>
  (say$) =>
    defer(() => {
      let counter = 0;
      return say$.pipe(
        withKeyring(keyring$),
        map(([{ lines, act }, keyring]) => {
          const time = now();
          counter += 1;
          const envelope = { nick, lines, act, room, key: identity.key, session: run, counter, time };
          const plaintext = encodeEnvelope({ ...envelope, ...testify() }, identity);
          const minute = Math.floor(time / 1000 / MINUTE) * MINUTE;
          return { token: cipher.seal(keyring.seal, plaintext, minute), lines, ...(act && { act }) };
        }),
      );
    });
