import { Observable, type Subscriber } from 'rxjs';
import { type Connection, ConnectionError } from '../../../streams/wire/index.js';
import { startTimer, addEventHandler, errorMessage, queueCallback } from '../../util/guard.js';

/** The events of a WebSocket that are used. */
export type WebSocketEventType = 'open' | 'message' | 'error' | 'close';

/** The used part of a WebSocket, of the platform or of the package `ws`. The latter can also be paused. */
export interface WebSocketLike {
  binaryType: string;
  readonly readyState: number;
  readonly bufferedAmount: number;
  send(data: Uint8Array): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: WebSocketEventType, listener: (event: object) => void): void;
  removeEventListener(type: WebSocketEventType, listener: (event: object) => void): void;
  pause?(): void;
  resume?(): void;
  terminate?(): void;
}

export interface WebSocketConnectionOptions {
  readonly peer: string;
  /** Whether the socket has passed everything on. If not, `writable$` has to follow. */
  readonly isDrained: () => boolean;
  readonly writable$: Observable<unknown>;
  /** Explains the `error` event before the end. */
  readonly explain?: (event: object) => string;
}

/** Maximum size of a frame in bytes, in either direction. */
export const MAX_FRAME_BYTES = 65_536;

/**
 * Maximum number of received bytes that wait for a reader, if the socket cannot be paused. More end the
 * connection.
 */
export const MAX_BUFFERED_BYTES = 1_048_576;

/** How long a peer may take to receive the last bytes after `close`, in ms. */
const CLOSE_TIMEOUT_MS = 1000;

const OPEN = 1;
const NORMAL_CLOSURE = 1000;
const UNSUPPORTED_DATA = 1003;
const POLICY_VIOLATION = 1008;
const INTERNAL_ERROR = 1011;

const NO_BINDING = new Uint8Array(0);

/**
 * Wraps an open WebSocket as a connection: binary frames, whose boundaries have no meaning.
 *
 * A socket without `pause` continues to receive while nobody reads. It buffers up to `MAX_BUFFERED_BYTES`, then
 * ends with a `ConnectionError`, and the client resumes later. A text frame ends it too.
 */
export const webSocketConnection = (
  socket: WebSocketLike,
  { peer, isDrained, writable$, explain }: WebSocketConnectionOptions,
): Connection => {
  let buffered: Uint8Array[] = [];
  let bufferedBytes = 0;
  let reader: Subscriber<Uint8Array> | undefined;
  let isPaused = false;
  let isClosed = false;
  let isDeliveryQueued = false;
  let failure: string | undefined;
  let isEnded = false;

  const end = () => {
    if (failure === undefined) reader?.complete();
    else reader?.error(new ConnectionError(failure));
  };

  const deliver = () => {
    isDeliveryQueued = false;
    while (reader !== undefined && !isPaused && buffered.length > 0) {
      const chunk = buffered.shift() as Uint8Array;
      bufferedBytes -= chunk.length;
      reader.next(chunk);
    }
    if (reader === undefined || isPaused) return;
    if (isEnded) end();
    else socket.resume?.();
  };

  // Never within the call of `resume`, as with other sockets.
  const queueDelivery = () => {
    if (isDeliveryQueued) return;
    isDeliveryQueued = true;
    queueCallback(deliver, onThrow);
  };

  let cancelTimeout: (() => void) | undefined;
  const closeSocket = (code: number) => {
    cancelTimeout ??= startTimer(CLOSE_TIMEOUT_MS, () => socket.terminate?.(), onThrow);
    try {
      socket.close(code);
    } catch {
      // Browsers accept only `NORMAL_CLOSURE` from a page.
      socket.close();
    }
    // The close event follows the unread data.
    socket.resume?.();
  };

  const fail = (code: number, reason: string) => {
    failure = reason;
    isEnded = true;
    closeSocket(code);
    end();
  };

  /** Closes this connection after an internal error. */
  const onThrow = (error: unknown) => {
    if (!isEnded) fail(INTERNAL_ERROR, errorMessage(error));
  };

  const onMessage = (event: object) => {
    if (isClosed || isEnded) return;
    const bytes = toBytes('data' in event ? event.data : undefined);
    if (bytes === undefined) {
      fail(UNSUPPORTED_DATA, 'the peer sent a text frame');
    } else if (reader !== undefined && !isPaused && buffered.length === 0) {
      reader.next(bytes);
    } else if (bufferedBytes + bytes.length > MAX_BUFFERED_BYTES) {
      buffered = [];
      fail(POLICY_VIOLATION, 'too much data is waiting for a reader');
    } else {
      buffered.push(bytes);
      bufferedBytes += bytes.length;
    }
  };
  const onErrorEvent = (event: object) => {
    failure ??= explain?.(event) ?? 'the connection was lost';
  };
  const onClose = (event: object) => {
    cancelTimeout?.();
    if (isEnded) return;
    isEnded = true;
    if (!('wasClean' in event && event.wasClean === true)) failure ??= 'the connection was lost';
    if (buffered.length === 0 && !isPaused) end();
    else queueDelivery();
  };

  socket.pause?.();
  // They stay for the life of the socket, since an unhandled 'error' of `ws` ends the process.
  addEventHandler(socket, 'message', onMessage, onThrow);
  addEventHandler(socket, 'error', onErrorEvent, onThrow);
  addEventHandler(socket, 'close', onClose, onThrow);

  return {
    peer,
    channelBinding: NO_BINDING,
    writable$,

    chunk$: new Observable((subscriber) => {
      if (isClosed) {
        subscriber.complete();
        return;
      }
      reader = subscriber;
      queueDelivery();
      return () => {
        reader = undefined;
        if (!isClosed && !isEnded) socket.pause?.();
      };
    }),

    write: (bytes) => {
      if (isClosed || socket.readyState !== OPEN) return true;
      for (let from = 0; from < bytes.length; from += MAX_FRAME_BYTES)
        socket.send(bytes.subarray(from, from + MAX_FRAME_BYTES));
      return isDrained();
    },

    pause: () => {
      isPaused = true;
      if (!isClosed && !isEnded) socket.pause?.();
    },

    resume: () => {
      isPaused = false;
      if (reader !== undefined) queueDelivery();
    },

    close: () => {
      if (isClosed) return;
      isClosed = true;
      buffered = [];
      reader?.complete();
      if (!isEnded) closeSocket(NORMAL_CLOSURE);
    },
  };
};

/** Read by shape, since an object of another realm is not an instance of a class here. */
const toBytes = (data: unknown): Uint8Array | undefined => {
  if (typeof data !== 'object' || data === null) return undefined;
  if (ArrayBuffer.isView(data)) return data as Uint8Array;
  return new Uint8Array(data as ArrayBuffer);
};
