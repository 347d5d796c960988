import {
  concat,
  defer,
  endWith,
  ignoreElements,
  interval,
  merge,
  mergeMap,
  type Observable,
  takeWhile,
  tap,
  throwError,
  timeout,
} from 'rxjs';
import { encodeLine, toBase64url } from '../wire/encoding.js';
import type { Connection } from '../wire/connection.js';
import { type Control, formatControl } from '../wire/control.js';
import { ConnectionError } from '../wire/errors.js';
import { heartbeat } from '../wire/heartbeat.js';
import {
  accessMessage,
  formatHello,
  ownerMessage,
  proofMessage,
  type Resume,
  type RoomName,
} from '../wire/handshake.js';
import { lines, MAX_LINE_BYTES } from '../wire/lines.js';
import type { Identity } from './envelope/identity.js';
import { entries, type RelayMessage } from './receive/entries.js';

/** The member that joins, its room, and where it begins to read. */
export interface Credentials {
  readonly nick: string;
  readonly room: RoomName;
  /**
   * 16 random bytes, base64url, the same for all connections of a run. The relay recognizes a returning member by it,
   * so keep it secret.
   */
  readonly session: string;
  /** Signs with the room's key (Ed25519); base64url. */
  readonly sign: (message: Uint8Array) => string;
  readonly after?: Resume | undefined;
  readonly last?: number | undefined;
  /** Authenticates with the access token of the relay, if it has one (HMAC-SHA256); base64url. */
  readonly access?: ((message: Uint8Array) => string) | undefined;
  /** A key pair for this room. Connections that prove it may have the same nick at the same time. */
  readonly owner?: Identity | undefined;
}

export interface JoinOptions extends Credentials {
  readonly connection: Connection;
  /** The time in ms for the greeting of the relay, and again for its answer to the join (default 10 000). */
  readonly handshakeTimeoutMs?: number;
  /** The heartbeat interval in ms (default 15 000). The connection is lost after two without traffic. */
  readonly heartbeatMs?: number;
  /** Called after one silent heartbeat, to send a `PING`. */
  readonly onSilence?: () => void;
  /** Called whenever the relay has sent something. */
  readonly onActivity?: () => void;
  /** Whether this client has paused reading from the relay. Silence then does not count. */
  readonly isPaused?: () => boolean;
}

/** A message of the relay, without those of the handshake and without `PING`. */
export type JoinedMessage = Exclude<RelayMessage, { type: 'greeting' | 'ping' }>;

/** The default heartbeat interval in ms. */
export const DEFAULT_HEARTBEAT_MS = 15_000;

/**
 * Joins a room over a connection, and emits what the relay sends.
 *
 * Answers `NICK` with the proof, and each `PING` with a `PONG`. Sends a sign of life each `heartbeatMs` ms, and calls
 * `onSilence` after as long without traffic. Does not close the connection.
 *
 * Completes after `BYE`. Errors with `RefusedError` at `ERR`, and with `ProtocolError` at a line that it cannot
 * parse. Errors with `ConnectionError` if the connection breaks, ends without `BYE`, or is silent during the
 * handshake or for two heartbeats. It also does so if the relay counts other entries than those that arrived.
 *
 * ```text
 * chunk     NICK…--------WELCOME…--+alice--gAAAA…--BYE…
 * written   ----NICK alice room=… proof=…
 *             join(options)
 * out       -------------welcome---joined--token---(bye|)
 * ```
 *
 * @example
 * import type { JoinOptions } from 'rxchat/streams';
 * import { join } from './join.js';
 *
 * const watch = (options: JoinOptions) =>
 *   join(options).subscribe({ next: ({ type }) => console.log(type), error: console.error });
 */
export const join = ({
  connection,
  handshakeTimeoutMs = 10_000,
  heartbeatMs = DEFAULT_HEARTBEAT_MS,
  onSilence = () => undefined,
  onActivity = () => undefined,
  isPaused = () => false,
  ...credentials
}: JoinOptions): Observable<JoinedMessage> =>
  defer(() => {
    const timeoutError = () => throwError(() => new ConnectionError('the relay does not answer'));
    let position: number | undefined;

    /** The control line to send once the connection is writable again. */
    let pendingControl: Control | undefined;
    let isWritable = true;

    /** Sends a control line, or replaces the pending one: a relay that does not read cannot fill the memory. */
    const sendControl = (control: Control) => {
      if (isWritable) isWritable = connection.write(encodeLine(formatControl(control)));
      else pendingControl = control;
    };
    const drained$ = connection.writable$.pipe(
      tap(() => {
        isWritable = true;
        const control = pendingControl;
        pendingControl = undefined;
        if (control !== undefined) sendControl(control);
      }),
      ignoreElements(),
    );
    const checkPosition = (n: number) => {
      if (position !== undefined && n !== position)
        throw new ConnectionError(`the relay has counted up to entry ${n}, and ${position} arrived`);
    };

    const received$ = connection.chunk$.pipe(
      tap(onActivity),
      heartbeat({
        periodMs: heartbeatMs,
        sendPing: () => {
          if (position !== undefined) onSilence();
        },
        isPaused,
      }),
      lines({ maxLineBytes: 2 * MAX_LINE_BYTES }),
      entries(),
    );
    const keepAlive$ = interval(heartbeatMs).pipe(
      tap(() => {
        if (position !== undefined) sendControl({ type: 'pong', n: position });
      }),
      ignoreElements(),
    );

    const event$ = concat(
      received$,
      throwError(() => new ConnectionError('the relay closed the connection')),
    ).pipe(
      timeout({ first: handshakeTimeoutMs, with: timeoutError }),
      mergeMap((received): readonly JoinedMessage[] => {
        switch (received.type) {
          case 'greeting':
            connection.write(formatJoin(received.nonce, connection, credentials));
            return [];
          case 'ping':
            checkPosition(received.n);
            sendControl({ type: 'pong', n: received.n });
            return [];
          case 'pong':
            // Before WELCOME there is no PING that it can answer.
            if (position === undefined) return [];
            checkPosition(received.n);
            return [received];
          default:
            if (received.type === 'welcome') position = received.from - 1;
            else if (received.type === 'gap') position = received.to;
            else if ('position' in received) position = received.position;
            return [received];
        }
      }),
      timeout({ first: 2 * handshakeTimeoutMs, with: timeoutError }),
      takeWhile(({ type }) => type !== 'bye', true),
    );

    return merge(event$.pipe(endWith(null)), keepAlive$, drained$).pipe(takeWhile((event) => event !== null));
  });

const formatJoin = (
  nonce: string,
  { channelBinding }: Connection,
  { nick, room, session, sign, after, last, access, owner }: Credentials,
): Uint8Array => {
  const join = { nonce, room, session, binding: toBase64url(channelBinding), nick };
  return encodeLine(
    formatHello({
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
