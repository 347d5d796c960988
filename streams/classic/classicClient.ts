import {
  concat,
  concatMap,
  connect,
  defer,
  EMPTY,
  finalize,
  ignoreElements,
  merge,
  mergeMap,
  type MonoTypeOperatorFunction,
  type Observable,
  of,
  type OperatorFunction,
  take,
  throwError,
  timeout,
} from 'rxjs';
import type { Cipher, FernetKey, Plaintext, Token } from '../client/envelope/cipher.js';
import { lruMap } from '../rx/lruMap.js';
import { takeUntilComplete } from '../rx/takeUntilComplete.js';
import type { Connection } from '../wire/connection.js';
import { ConnectionError, LimitError, ProtocolError } from '../wire/errors.js';
import { decodeTextLossy, encodeText } from '../wire/encoding.js';
import { NICK_PROMPT, parseNotices } from './notices.js';
import { frames } from './framing/frames.js';
import type { Frame } from './framing/tokenScanner.js';
import { MAX_TEXT_BYTES } from './framing/tokenShape.js';

export interface ClassicClientOptions {
  readonly connection: Connection;
  readonly cipher: Cipher;
  /** The key that all clients share. */
  readonly key: FernetKey;
  readonly nick: string;
  /** Returns the time for tokens in seconds since 1970. */
  readonly now: () => number;
  /** Emits when a pause is long enough to end a frame. Subscribed after each chunk. */
  readonly idle$: Observable<unknown>;
  /** Emits when the next message may be written. Subscribed after each message. */
  readonly pacing$: Observable<unknown>;
  /** The time for the join in ms (default 20 000). */
  readonly handshakeTimeoutMs?: number;
  /** The time to write a message in ms (default 30 000). */
  readonly writeTimeoutMs?: number;
}

/**
 * What a classic client emits.
 *
 * An own `message` was written to the connection; nothing confirms that it arrived. `input-complete` follows the last
 * own message. Anyone with the key can use any nick.
 */
export type ClassicEvent =
  | { readonly type: 'connected' | 'input-complete' }
  | { readonly type: 'joined' | 'left'; readonly nick: string }
  | { readonly type: 'message'; readonly nick: string; readonly text: string; readonly own: boolean }
  | { readonly type: 'undecryptable'; readonly reason: string }
  | { readonly type: 'other'; readonly text: string };

/** How many own tokens are remembered. A server that echoes tokens does so at once. */
const MAX_SENT_TOKENS = 4096;

/** The last characters of a token that identify it. They hold most of its HMAC. */
const SUFFIX_LENGTH = 40;

/**
 * Connects texts to a chat over the classic wire, and emits what arrives.
 *
 * Answers the prompt with the nick, and subscribes to the texts after the join. Writes one message at a time, with a
 * pause after each. A token that cannot be decrypted is a value. An echo of an own token is dropped. There is no
 * backpressure: pace the texts by the own messages that are emitted.
 *
 * Completes when the server closes the connection. Errors with the connection, and with `ProtocolError` if the server
 * speaks another wire. Errors with `LimitError` for a text of more than 1 MiB, and with `ConnectionError` if the join
 * or a write takes too long. Unsubscribing closes the connection after the pending write.
 *
 * ```text
 * text     -----------------hello-------
 *            classicClient({ connection, … })
 * server   NICK--Connected…-------gAAAAA…-----
 * event    ------connected--hello-message-----
 * ```
 *
 * @example
 * import { of } from 'rxjs';
 * import { classic } from 'rxchat/streams';
 *
 * const sayHello = (options: classic.ClassicClientOptions) => of('hello').pipe(classic.classicClient(options));
 */
export const classicClient =
  ({
    connection,
    cipher,
    key,
    nick,
    now,
    idle$,
    pacing$,
    handshakeTimeoutMs = 20_000,
    writeTimeoutMs = 30_000,
  }: ClassicClientOptions) =>
  (text$: Observable<string>): Observable<ClassicEvent> =>
    defer(() => {
      const sentTokens = lruMap<string, true>(MAX_SENT_TOKENS);
      const open = (token: Uint8Array) => cipher.open(key, decodeTextLossy(token) as Token);
      const isAuthentic = (token: Uint8Array) => typeof open(token) !== 'string';

      const eventsOf = ({ type, bytes }: Frame): readonly ClassicEvent[] => {
        if (type === 'text') return parseNotices(decodeTextLossy(bytes));
        if (sentTokens.delete(decodeTextLossy(bytes).slice(-SUFFIX_LENGTH))) return [];
        const opened = open(bytes);
        return [
          typeof opened === 'string' ? { type: 'undecryptable', reason: opened } : parseMessage(opened),
        ];
      };

      const sendText = (text: string): Observable<ClassicEvent> =>
        defer(() => {
          const plaintext = encodeText(`${nick}: ${text}`);
          if (plaintext.length - encodeText(nick).length - 2 > MAX_TEXT_BYTES)
            throw new LimitError(`the message is over the limit of ${MAX_TEXT_BYTES} bytes`);
          const token = cipher.seal(key, plaintext as Plaintext, now());
          sentTokens.set(token.slice(-SUFFIX_LENGTH), true);
          const isDrained = connection.write(encodeText(token));
          const drained$ = isDrained
            ? of(undefined)
            : connection.writable$.pipe(take(1), failAfter(writeTimeoutMs));
          return concat(
            of<ClassicEvent>({ type: 'message', nick, text, own: true }),
            drained$.pipe(
              concatMap(() => pacing$.pipe(take(1))),
              ignoreElements(),
            ),
          );
        });
      const sent$ = concat(text$.pipe(concatMap(sendText)), of<ClassicEvent>({ type: 'input-complete' }));

      const sendNick = () => {
        connection.write(encodeText(nick));
      };
      return connection.chunk$.pipe(
        awaitNickPrompt(sendNick),
        frames({ isAuthentic, idle$ }),
        mergeMap(eventsOf),
        timeout({
          first: handshakeTimeoutMs,
          with: () =>
            throwError(() => new ConnectionError(`no answer to the join in ${handshakeTimeoutMs} ms`)),
        }),
        connect((event$) =>
          merge(
            event$,
            event$.pipe(
              take(1),
              concatMap(() => sent$),
              takeUntilComplete(event$),
            ),
          ),
        ),
        finalize(() => {
          connection.close();
        }),
      );
    });

const failAfter = (ms: number): MonoTypeOperatorFunction<unknown> =>
  timeout({
    first: ms,
    with: () => throwError(() => new ConnectionError(`the server accepted no data for ${ms} ms`)),
  });

const parseMessage = (plaintext: Plaintext): ClassicEvent => {
  const text = decodeTextLossy(plaintext);
  const colon = text.indexOf(': ');
  return {
    type: 'message',
    nick: text.slice(0, Math.max(0, colon)),
    text: colon < 0 ? text : text.slice(colon + 2),
    own: false,
  };
};

const PROMPT = encodeText(NICK_PROMPT);

/** What follows the prompt in the greeting of `rxchat/1`. */
const CURRENT_WIRE = encodeText(' rxchat/');

/**
 * Calls `sendNick` after the prompt for the nick, and passes the bytes after the prompt on.
 *
 * Completes and errors with its source. Errors with a `ProtocolError` if the server sends anything else first.
 *
 * ```text
 * chunk      --"NI"--"CK"---"Connected…"--|
 *              awaitNickPrompt(sendNick)
 * sendNick   ---------x
 * out        ---------------"Connected…"--|
 * ```
 *
 * @example
 * import { type Connection, encodeText } from 'rxchat/streams';
 * import { awaitNickPrompt } from './classicClient.js';
 *
 * const greeted = ({ chunk$, write }: Connection) =>
 *   chunk$.pipe(awaitNickPrompt(() => write(encodeText('alice'))));
 */
export const awaitNickPrompt =
  (sendNick: () => void): OperatorFunction<Uint8Array, Uint8Array> =>
  (chunk$) =>
    defer(() => {
      let matched = 0;
      return chunk$.pipe(
        mergeMap((chunk) => {
          if (matched === PROMPT.length) return of(chunk);
          let read = 0;
          for (; matched < PROMPT.length && read < chunk.length; matched += 1, read += 1)
            if (chunk[read] !== PROMPT[matched])
              throw new ProtocolError('bad-version', 'the server does not speak the classic wire');
          const rest = chunk.subarray(read);
          if (CURRENT_WIRE.every((byte, n) => rest[n] === byte))
            throw new ProtocolError('bad-version', 'the relay speaks rxchat/1 and not the classic wire');
          if (matched === PROMPT.length) sendNick();
          return rest.length > 0 ? of(rest) : EMPTY;
        }),
      );
    });
