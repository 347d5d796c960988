import { Observable, Subject } from 'rxjs';
import { type Connection, LinkError } from '../../streams/wire/index.js';
import { after, hearEvent } from '../guard.js';
import { type WebSocketLike, webSocketConnection } from './webSocketConnection.js';

export interface WebSocketClientOptions {
  /** Opens a WebSocket: `(url) => new WebSocket(url)`, of the platform or of the package `ws`. */
  readonly open: (url: string) => WebSocketLike;
  /** Told that it is open, before anything is said over it; throws where the other end is not who it should be. */
  readonly accept?: () => void;
  /** Says what an `error` event means, where the platform tells. */
  readonly explain?: ((event: object) => string | undefined) | undefined;
  /** How long it may take until it is open, in ms; 10 s. */
  readonly timeoutMs?: number;
}

/** With so many bytes in its buffer a WebSocket is full, and with so many it takes more again. */
const FULL = 65_536;
const TAKES_AGAIN = 16_384;

/** A WebSocket tells nobody that its buffer was sent: so often, in ms, a full one is asked. */
const ASK = 10;

/** The path that a relay takes WebSockets on. */
export const WEB_SOCKET_PATH = '/rxchat';

/** The URL of a relay's WebSockets (RFC 6455). */
export const webSocketUrl = (scheme: 'https' | 'http', address: string): string =>
  `${scheme === 'https' ? 'wss' : 'ws'}://${address}${WEB_SOCKET_PATH}`;

/**
 * Connects by WebSocket: emits the connection and completes; closing it is for whoever got it. Errors with `LinkError`, or
 * with what `accept` throws; unsubscribing before it is open gives up. Has no channel binding, over TLS neither: a
 * browser gives none out.
 */
export const connectWebSocket = (
  url: string,
  { open, accept = () => undefined, explain = () => undefined, timeoutMs = 10_000 }: WebSocketClientOptions,
): Observable<Connection> =>
  new Observable((subscriber) => {
    const { host: peer } = new URL(url);
    const fail = (reason: string) => {
      subscriber.error(new LinkError(`cannot reach ${peer}: ${reason}`));
    };
    let socket: WebSocketLike;
    try {
      socket = open(url);
    } catch (error) {
      fail(reasonOf(error));
      return;
    }
    let connected = false;
    const failed = (error: unknown) => {
      subscriber.error(error);
    };
    const broken = (event: object) => {
      fail(explain(event) ?? reasonOf(event));
    };
    const opened = () => {
      // What it throws is the error.
      accept();
      connected = true;
      forget();
      subscriber.next(clientConnection(socket, peer));
      subscriber.complete();
    };
    socket.binaryType = 'arraybuffer';
    const stops = [
      after(timeoutMs, () => fail(`no answer within ${timeoutMs} ms`), failed),
      hearEvent(socket, 'open', opened, failed),
      hearEvent(socket, 'error', broken, failed),
      hearEvent(socket, 'close', broken, failed),
    ];
    const forget = () => {
      for (const stop of stops) stop();
    };
    return () => {
      if (connected) return;
      forget();
      // Of `ws` the error that giving up makes would end the process.
      hearEvent(socket, 'error', () => undefined, failed);
      socket.close();
    };
  });

const clientConnection = (socket: WebSocketLike, peer: string): Connection => {
  const writable = new Subject<void>();
  let callOff: (() => void) | undefined;
  const failed = () => {
    socket.close();
  };

  const ask = () => {
    callOff = undefined;
    if (socket.bufferedAmount > TAKES_AGAIN) callOff = after(ASK, ask, failed);
    else writable.next();
  };
  hearEvent(socket, 'close', () => callOff?.(), failed);
  return webSocketConnection(socket, {
    peer,
    isTaken: () => {
      if (callOff === undefined && socket.bufferedAmount < FULL) return true;
      callOff ??= after(ASK, ask, failed);
      return false;
    },
    writable$: writable.asObservable(),
    explain: reasonOf,
  });
};

/** What an error, or an event of one, says of itself: in a browser nothing. */
const reasonOf = (error: unknown): string =>
  typeof error === 'object' &&
  error !== null &&
  'message' in error &&
  typeof error.message === 'string' &&
  error.message !== ''
    ? error.message
    : 'the connection failed';
