import { concat, concatMap, EMPTY, type Observable, of, takeWhile, throwError, timeout } from 'rxjs';
import { toBase64url } from '../wire/base64url.js';
import type { Connection } from '../wire/connection.js';
import { controlLine } from '../wire/control.js';
import { LinkError } from '../wire/errors.js';
import { helloLine, proofMessage, type Resume, type RoomName } from '../wire/handshake.js';
import { LINE_LIMIT, lines } from '../wire/lines.js';
import { encodeLine } from '../wire/utf8.js';
import { entries, type Received } from './entries.js';

/** Who comes in, to which room, and from where it wants to read. */
export interface Credentials {
  readonly nick: string;
  readonly room: RoomName;
  /** 16 random bytes, base64url: one per run of a client. */
  readonly session: string;
  /** Signs with the room's key (Ed25519); base64url. */
  readonly sign: (message: Uint8Array) => string;
  readonly after?: Resume | undefined;
  readonly last?: number | undefined;
}

export interface EnterOptions extends Credentials {
  readonly connection: Connection;
  /** How long the relay may take until it has asked, and again until it has welcomed or refused, in ms. */
  readonly handshakeTimeout?: number;
}

/**
 * A connection to a relay in, what the room says out: answers `NICK` with the proof, and each `PING`.
 *
 * Completes after `BYE`. Errors with `RefusedError` at `ERR`, with `LinkError` when the link breaks, ends without
 * `BYE` or stays silent in the handshake, with `ProtocolError` for lines that cannot be read. Does not close the
 * connection.
 *
 * ```text
 * chunk     NICK…--------WELCOME…--+alice--gAAAA…--BYE…
 * written   ----NICK alice room=… proof=…
 *             enter(options)
 * out       -------------welcome---joined--token---(bye|)
 * ```
 *
 * @example
 * import { enter, type EnterOptions } from 'rxchat/streams';
 *
 * const watch = (options: EnterOptions) =>
 *   enter(options).subscribe({ next: ({ type }) => console.log(type), error: console.error });
 */
export const enter = ({
  connection,
  sign,
  handshakeTimeout = 10_000,
  ...credentials
}: EnterOptions): Observable<Exclude<Received, { type: 'greeting' | 'ping' }>> => {
  const { nick, room, session } = credentials;
  const binding = toBase64url(connection.channelBinding);
  const silent = () => throwError(() => new LinkError(`the relay said nothing for ${handshakeTimeout} ms`));
  let position: number | undefined;

  return concat(
    connection.chunk$.pipe(lines({ limit: 2 * LINE_LIMIT }), entries()),
    throwError(() => new LinkError('the relay closed the connection')),
  ).pipe(
    timeout({ first: handshakeTimeout, with: silent }),
    concatMap((received) => {
      switch (received.type) {
        case 'greeting': {
          const proof = sign(proofMessage({ nonce: received.nonce, room, session, binding, nick }));
          const { after, last } = credentials;
          connection.write(
            encodeLine(
              helloLine({
                nick,
                room,
                session,
                proof,
                ...(after && { after }),
                ...(last !== undefined && { last }),
              }),
            ),
          );
          return EMPTY;
        }
        case 'ping':
          connection.write(encodeLine(controlLine({ type: 'pong', n: position ?? 0 })));
          return EMPTY;
        case 'pong':
          // Before WELCOME it answers nothing, and must not count as one.
          return position === undefined ? EMPTY : of(received);
        default:
          if (received.type === 'welcome') position = received.from - 1;
          else if (received.type === 'gap') position = received.to;
          else if ('position' in received) position = received.position;
          return of(received);
      }
    }),
    timeout({ first: 2 * handshakeTimeout, with: silent }),
    takeWhile(({ type }) => type !== 'bye', true),
  );
};
