import {
  concat,
  concatMap,
  defer,
  EMPTY,
  endWith,
  ignoreElements,
  interval,
  merge,
  type Observable,
  of,
  takeWhile,
  tap,
  throwError,
  timeout,
} from 'rxjs';
import { toBase64url } from '../wire/base64url.js';
import type { Connection } from '../wire/connection.js';
import { type Control, controlLine } from '../wire/control.js';
import { LinkError } from '../wire/errors.js';
import { heartbeat } from '../wire/heartbeat.js';
import {
  accessMessage,
  helloLine,
  ownerMessage,
  proofMessage,
  type Resume,
  type RoomName,
} from '../wire/handshake.js';
import { LINE_LIMIT, lines } from '../wire/lines.js';
import { encodeLine } from '../wire/utf8.js';
import { entries, type Received } from './entries.js';
import type { Identity } from './identity.js';

/** Who comes in, to which room, and from where it wants to read. */
export interface Credentials {
  readonly nick: string;
  readonly room: RoomName;
  /**
   * 16 random bytes, base64url, the same for all connections of a run: by it the relay knows who comes back. Whoever else
   * knows it can take the member's place.
   */
  readonly session: string;
  /** Signs with the room's key (Ed25519); base64url. */
  readonly sign: (message: Uint8Array) => string;
  readonly after?: Resume | undefined;
  readonly last?: number | undefined;
  /** Authenticates with the relay's access token, where it has one (HMAC-SHA256); base64url. */
  readonly access?: ((message: Uint8Array) => string) | undefined;
  /** A key pair of this room alone: other connections that show it may have the same nick at the same time. */
  readonly owner?: Identity | undefined;
}

export interface EnterOptions extends Credentials {
  readonly connection: Connection;
  /** How long the relay may take until it has asked, and again until it has welcomed or refused, in ms. */
  readonly handshakeTimeout?: number;
  /** Half the longest silence that is taken, in ms; each so long the relay gets a sign of life. 15 s. */
  readonly heartbeat?: number;
  /** Called when the relay has been silent for a while and has to be asked with a `PING`. */
  readonly quiet?: () => void;
  /** Called at each sign of life of the relay. */
  readonly alive?: () => void;
  /** Whether this client does not read the relay at present: then the silence is its own, and does not count. */
  readonly isHeld?: () => boolean;
}

/** Half the longest silence in ms, where nothing else was said. */
export const DEFAULT_HEARTBEAT = 15_000;

/**
 * A connection to a relay in, what the room says out: answers `NICK` with the proof, and each `PING`.
 *
 * Once it is in it shows the relay each `heartbeat` ms that it is alive, and calls `quiet` where it heard nothing for
 * so long. Completes after `BYE`. Errors with `RefusedError` at `ERR`; with `LinkError` when the link breaks, ends
 * without `BYE`, is silent in the handshake or for two heartbeats, or when the relay has counted other entries than
 * came; with `ProtocolError` for lines that cannot be read. Does not close the connection.
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
  handshakeTimeout = 10_000,
  heartbeat: period = DEFAULT_HEARTBEAT,
  quiet = () => undefined,
  alive = () => undefined,
  isHeld = () => false,
  ...credentials
}: EnterOptions): Observable<Exclude<Received, { type: 'greeting' | 'ping' }>> =>
  defer(() => {
    const silent = () => throwError(() => new LinkError(`the relay said nothing for ${handshakeTimeout} ms`));
    let position: number | undefined;

    /** What is to be said as soon as the connection takes bytes again. */
    let owed: Control | undefined;
    let isTaken = true;

    /** Says it now, or instead of what is owed: a relay that asks and does not read must not fill the memory. */
    const say = (control: Control) => {
      if (isTaken) isTaken = connection.write(encodeLine(controlLine(control)));
      else owed = control;
    };
    const taken$ = connection.writable$.pipe(
      tap(() => {
        isTaken = true;
        const control = owed;
        owed = undefined;
        if (control !== undefined) say(control);
      }),
      ignoreElements(),
    );
    const compare = (n: number) => {
      if (position !== undefined && n !== position)
        throw new LinkError(`the relay has counted up to entry ${n}, and ${position} arrived`);
    };

    const received$ = connection.chunk$.pipe(
      tap(alive),
      heartbeat({
        period,
        ping: () => {
          if (position !== undefined) quiet();
        },
        isHeld,
      }),
      lines({ limit: 2 * LINE_LIMIT }),
      entries(),
    );
    const alive$ = interval(period).pipe(
      tap(() => {
        if (position !== undefined) say({ type: 'pong', n: position });
      }),
      ignoreElements(),
    );

    const heard$ = concat(
      received$,
      throwError(() => new LinkError('the relay closed the connection')),
    ).pipe(
      timeout({ first: handshakeTimeout, with: silent }),
      concatMap((received) => {
        switch (received.type) {
          case 'greeting':
            connection.write(answer(received.nonce, connection, credentials));
            return EMPTY;
          case 'ping':
            compare(received.n);
            say({ type: 'pong', n: received.n });
            return EMPTY;
          case 'pong':
            // Before WELCOME it answers nothing, and must not count as an answer.
            if (position === undefined) return EMPTY;
            compare(received.n);
            return of(received);
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

    return merge(heard$.pipe(endWith(null)), alive$, taken$).pipe(takeWhile((heard) => heard !== null));
  });

const answer = (
  nonce: string,
  { channelBinding }: Connection,
  { nick, room, session, sign, after, last, access, owner }: Credentials,
): Uint8Array => {
  const join = { nonce, room, session, binding: toBase64url(channelBinding), nick };
  return encodeLine(
    helloLine({
      nick,
      room,
      session,
      proof: sign(proofMessage(join)),
      ...(after && { after }),
      ...(last !== undefined && { last }),
      ...(access && { access: access(accessMessage(join)) }),
      ...(owner && { owner: { key: owner.key, signature: owner.sign(ownerMessage(join)) } }),
    }),
  );
};
