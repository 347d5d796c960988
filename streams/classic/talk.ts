import {
  concat,
  concatMap,
  connect,
  defer,
  endWith,
  finalize,
  ignoreElements,
  merge,
  mergeMap,
  type MonoTypeOperatorFunction,
  type Observable,
  of,
  take,
  takeUntil,
  throwError,
  timeout,
} from 'rxjs';
import type { Cipher, Plaintext, Token } from '../client/cipher.js';
import type { FernetKey } from '../client/keyring.js';
import type { Connection } from '../wire/connection.js';
import { LimitError, LinkError } from '../wire/errors.js';
import { decodeTextLossy, encodeText } from '../wire/utf8.js';
import { asked } from './asked.js';
import { readNotices } from './notices.js';
import { ownTokens } from './ownTokens.js';
import { pieces } from './pieces.js';
import type { Piece } from './tokenScanner.js';
import { TEXT_LIMIT } from './tokenShape.js';

export interface TalkOptions {
  readonly connection: Connection;
  readonly cipher: Cipher;
  /** The one key that all share. */
  readonly key: FernetKey;
  readonly nick: string;
  /** Seconds since 1970, for the tokens. */
  readonly now: () => number;
  /** Emits when nothing has come for so long that what has come counts as whole; subscribed after each chunk. */
  readonly silence$: Observable<unknown>;
  /** Emits when the next message may follow one that was written; subscribed after each. */
  readonly gap$: Observable<unknown>;
  /** How long, in ms, the server may take to let one in. 20 s. */
  readonly handshakeTimeout?: number;
  /** How long, in ms, the connection may take for one message. 30 s. */
  readonly writeTimeout?: number;
}

/**
 * What is heard in a chat of the old wire. A `message` that is our own was handed to the connection: nothing tells more of
 * it. `said-all`: so was everything that was to be said. The nick of a message is a claim of whoever has the key.
 */
export type TalkHeard =
  | { readonly type: 'connected' | 'said-all' }
  | { readonly type: 'joined' | 'left'; readonly nick: string }
  | { readonly type: 'message'; readonly nick: string; readonly text: string; readonly own: boolean }
  | { readonly type: 'undecryptable'; readonly reason: string }
  | { readonly type: 'other'; readonly text: string };

/**
 * What one says in, what one hears out: a client of the old wire, over one connection.
 *
 * Tells its nick when it is asked, and subscribes what is to be said once it is in; one message a write, with a gap. A
 * token that does not open is a value. What a server sends back of one's own is recognised and not told again. Whoever
 * feeds it must not run ahead of what it hears of its own: what waits for its write waits here.
 *
 * Completes when the server has closed the connection; errors with the link, with `ProtocolError` where the other end
 * does not speak this wire, with `LimitError` where a text is longer than 1 MiB, with `LinkError` where it does not let
 * one in or take what is said. Unsubscribing closes the connection, once what was written is sent.
 *
 * ```text
 * say      -----------------hello-------
 *            talk({ connection, … })
 * server   NICK--Connected…-------gAAAAA…-----
 * heard    ------connected--hello-message-----
 * ```
 *
 * @example
 * import { of } from 'rxjs';
 * import { classic } from 'rxchat/streams';
 *
 * const sayHello = (options: classic.TalkOptions) => of('hello').pipe(classic.talk(options));
 */
export const talk =
  ({
    connection,
    cipher,
    key,
    nick,
    now,
    silence$,
    gap$,
    handshakeTimeout = 20_000,
    writeTimeout = 30_000,
  }: TalkOptions) =>
  (say$: Observable<string>): Observable<TalkHeard> =>
    defer(() => {
      const own = ownTokens();
      const open = (token: Uint8Array) => cipher.open(key, decodeTextLossy(token) as Token);
      const proves = (token: Uint8Array) => typeof open(token) !== 'string';

      const read = ({ type, bytes }: Piece): readonly TalkHeard[] => {
        if (type === 'text') return readNotices(decodeTextLossy(bytes));
        if (own.recognise(decodeTextLossy(bytes))) return [];
        const opened = open(bytes);
        return [typeof opened === 'string' ? { type: 'undecryptable', reason: opened } : messageOf(opened)];
      };

      const utter = (text: string): Observable<TalkHeard> =>
        defer(() => {
          const plaintext = encodeText(`${nick}: ${text}`);
          if (plaintext.length - encodeText(nick).length - 2 > TEXT_LIMIT)
            throw new LimitError(`the message is over the limit of ${TEXT_LIMIT} bytes`);
          const token = cipher.seal(key, plaintext as Plaintext, now());
          own.add(token);
          const isTaken = connection.write(encodeText(token));
          const taken$ = isTaken ? of(undefined) : connection.writable$.pipe(take(1), givenUp(writeTimeout));
          return concat(
            of<TalkHeard>({ type: 'message', nick, text, own: true }),
            taken$.pipe(
              concatMap(() => gap$.pipe(take(1))),
              ignoreElements(),
            ),
          );
        });
      const said$ = concat(say$.pipe(concatMap(utter)), of<TalkHeard>({ type: 'said-all' }));

      const reply = () => {
        connection.write(encodeText(nick));
      };
      return connection.chunk$.pipe(
        asked(reply),
        pieces({ proves, silence$ }),
        mergeMap(read),
        timeout({
          first: handshakeTimeout,
          with: () => throwError(() => new LinkError(`the server let nobody in for ${handshakeTimeout} ms`)),
        }),
        connect((heard$) =>
          merge(
            heard$,
            heard$.pipe(
              take(1),
              concatMap(() => said$),
              takeUntil(heard$.pipe(ignoreElements(), endWith(null))),
            ),
          ),
        ),
        finalize(() => {
          connection.close();
        }),
      );
    });

const givenUp = (ms: number): MonoTypeOperatorFunction<unknown> =>
  timeout({ first: ms, with: () => throwError(() => new LinkError(`the server took nothing for ${ms} ms`)) });

const messageOf = (plaintext: Plaintext): TalkHeard => {
  const said = decodeTextLossy(plaintext);
  const colon = said.indexOf(': ');
  return {
    type: 'message',
    nick: said.slice(0, Math.max(0, colon)),
    text: colon < 0 ? said : said.slice(colon + 2),
    own: false,
  };
};
