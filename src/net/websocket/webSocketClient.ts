import { Observable, Subject } from 'rxjs';
import { type Connection, ConnectionError } from '../../../streams/wire/index.js';
import { startTimer, addEventHandler } from '../../util/guard.js';
import { type WebSocketLike, webSocketConnection } from './webSocketConnection.js';

export interface WebSocketClientOptions {
  /** Opens a WebSocket of the platform or of the package `ws`: `(url) => new WebSocket(url)`. */
  readonly open: (url: string) => WebSocketLike;
  /** Called when it is open, before anything is sent. Throws if the peer is not trusted. */
  readonly accept?: () => void;
  /** Explains an `error` event, if the platform gives details. */
  readonly explain?: ((event: object) => string | undefined) | undefined;
  /** Timeout of the attempt in ms. Default 10 s. */
  readonly timeoutMs?: number;
}

/** A WebSocket is full at the first number of buffered bytes, and accepts more below the second. */
const FULL_BYTES = 65_536;
const DRAINED_BYTES = 16_384;

/** Interval in ms at which a full WebSocket is polled, since it emits no 'drain'. */
const POLL_INTERVAL_MS = 10;

/** Path on which a relay accepts WebSockets. */
export const WEB_SOCKET_PATH = '/rxchat';

/** Returns the WebSocket URL (RFC 6455) of a relay. */
export const webSocketUrl = (scheme: 'https' | 'http', address: string): string =>
  `${scheme === 'https' ? 'wss' : 'ws'}://${address}${WEB_SOCKET_PATH}`;

/**
 * Connects by WebSocket: emits the connection, which the caller has to close, and completes. Errors with
 * `ConnectionError`, or with what `accept` throws. Unsubscribing cancels the attempt. It has no channel
 * binding, even over TLS, since browsers do not expose one.
 */
export const connectWebSocket = (
  url: string,
  { open, accept = () => undefined, explain = () => undefined, timeoutMs = 10_000 }: WebSocketClientOptions,
): Observable<Connection> =>
  new Observable((subscriber) => {
    const { host: peer } = new URL(url);
    const fail = (reason: string) => {
      subscriber.error(new ConnectionError(`cannot reach ${peer}: ${reason}`));
    };
    let socket: WebSocketLike;
    try {
      socket = open(url);
    } catch (error) {
      fail(failureReason(error));
      return;
    }
    let isConnected = false;
    const onThrow = (error: unknown) => {
      subscriber.error(error);
    };
    const onFailure = (event: object) => {
      fail(explain(event) ?? failureReason(event));
    };
    const onOpen = () => {
      // An exception errors the attempt.
      accept();
      isConnected = true;
      removeListeners();
      subscriber.next(clientConnection(socket, peer));
      subscriber.complete();
    };
    socket.binaryType = 'arraybuffer';
    const stops = [
      startTimer(timeoutMs, () => fail(`no answer within ${timeoutMs} ms`), onThrow),
      addEventHandler(socket, 'open', onOpen, onThrow),
      addEventHandler(socket, 'error', onFailure, onThrow),
      addEventHandler(socket, 'close', onFailure, onThrow),
    ];
    const removeListeners = () => {
      for (const stop of stops) stop();
    };
    return () => {
      if (isConnected) return;
      removeListeners();
      // `ws` emits an error after a cancelled attempt, which would end the process.
      addEventHandler(socket, 'error', () => undefined, onThrow);
      socket.close();
    };
  });

const clientConnection = (socket: WebSocketLike, peer: string): Connection => {
  const writable = new Subject<void>();
  let cancelPoll: (() => void) | undefined;
  const onThrow = () => {
    socket.close();
  };

  const pollBuffer = () => {
    cancelPoll = undefined;
    if (socket.bufferedAmount > DRAINED_BYTES) cancelPoll = startTimer(POLL_INTERVAL_MS, pollBuffer, onThrow);
    else writable.next();
  };
  addEventHandler(socket, 'close', () => cancelPoll?.(), onThrow);
  return webSocketConnection(socket, {
    peer,
    isDrained: () => {
      if (cancelPoll === undefined && socket.bufferedAmount < FULL_BYTES) return true;
      cancelPoll ??= startTimer(POLL_INTERVAL_MS, pollBuffer, onThrow);
      return false;
    },
    writable$: writable.asObservable(),
    explain: failureReason,
  });
};

/** Returns the message of an error or error event. Browsers give none. */
const failureReason = (error: unknown): string =>
  typeof error === 'object' &&
  error !== null &&
  'message' in error &&
  typeof error.message === 'string' &&
  error.message !== ''
    ? error.message
    : 'the connection failed';
