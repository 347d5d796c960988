import { Observable, type Subscriber } from 'rxjs';
import { type Connection, LinkError } from '../../streams/wire/index.js';
import { after, hearEvent, reasonOf, soonAfter } from '../guard.js';

/** The events of a WebSocket that are listened to. */
export type EventType = 'open' | 'message' | 'error' | 'close';

/** What of a WebSocket is needed: the platform's own has it, and that of the package `ws`, which can be paused too. */
export interface WebSocketLike {
  binaryType: string;
  readonly readyState: number;
  readonly bufferedAmount: number;
  send(data: Uint8Array): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: EventType, listener: (event: object) => void): void;
  removeEventListener(type: EventType, listener: (event: object) => void): void;
  pause?(): void;
  resume?(): void;
  terminate?(): void;
}

export interface WebSocketOptions {
  readonly peer: string;
  /** Whether the socket has taken what was sent; where it has not, `writable$` has to follow. */
  readonly isTaken: () => boolean;
  readonly writable$: Observable<unknown>;
  /** Why it broke, where an `error` event came before its end. */
  readonly explain?: (event: object) => string;
}

/** The most bytes of a frame, either way. */
export const FRAME_LIMIT = 65_536;

/** So many bytes are held for who does not read, where the socket cannot be paused; one more ends the connection. */
export const HELD_LIMIT = 1_048_576;

/** How long a peer may take, in ms, to receive what was sent before `close`. */
const CLOSE_GRACE = 1000;

const OPEN = 1;
const NORMAL = 1000;
const NO_TEXT = 1003;
const TOO_MUCH = 1008;
const OUR_FAULT = 1011;

const NO_BINDING = new Uint8Array(0);

/**
 * An open WebSocket as a connection: binary frames, of which the borders mean nothing.
 *
 * A socket without `pause` goes on receiving while nobody reads: up to `HELD_LIMIT` bytes are held, then the connection
 * ends with a `LinkError`, and who comes back reads on from where it was. A frame of text ends it too.
 */
export const webSocketConnection = (
  socket: WebSocketLike,
  { peer, isTaken, writable$, explain }: WebSocketOptions,
): Connection => {
  let held: Uint8Array[] = [];
  let size = 0;
  let reader: Subscriber<Uint8Array> | undefined;
  let paused = false;
  let closed = false;
  let due = false;
  let failure: string | undefined;
  let isOver = false;

  const end = () => {
    if (failure === undefined) reader?.complete();
    else reader?.error(new LinkError(failure));
  };

  const handOver = () => {
    due = false;
    while (reader !== undefined && !paused && held.length > 0) {
      const chunk = held.shift() as Uint8Array;
      size -= chunk.length;
      reader.next(chunk);
    }
    if (reader === undefined || paused) return;
    if (isOver) end();
    else socket.resume?.();
  };

  // Never within the call that reads on, as with any other socket.
  const soon = () => {
    if (due) return;
    due = true;
    soonAfter(handOver, failed);
  };

  let callOff: (() => void) | undefined;
  const shut = (code: number) => {
    callOff ??= after(CLOSE_GRACE, () => socket.terminate?.(), failed);
    try {
      socket.close(code);
    } catch {
      // In a browser a page may not give the codes of the protocol, apart from `NORMAL`.
      socket.close();
    }
    // Its end is behind what was not read.
    socket.resume?.();
  };

  const fail = (code: number, reason: string) => {
    failure = reason;
    isOver = true;
    shut(code);
    end();
  };

  /** A fault of ours with this connection ends this connection. */
  const failed = (error: unknown) => {
    if (!isOver) fail(OUR_FAULT, reasonOf(error));
  };

  const heard = (event: object) => {
    if (closed || isOver) return;
    const bytes = bytesOf('data' in event ? event.data : undefined);
    if (bytes === undefined) {
      fail(NO_TEXT, 'the peer sent text where bytes belong');
    } else if (reader !== undefined && !paused && held.length === 0) {
      reader.next(bytes);
    } else if (size + bytes.length > HELD_LIMIT) {
      held = [];
      fail(TOO_MUCH, 'more came than is held while nobody reads');
    } else {
      held.push(bytes);
      size += bytes.length;
    }
  };
  const broken = (event: object) => {
    failure ??= explain?.(event) ?? 'the connection was lost';
  };
  const over = (event: object) => {
    callOff?.();
    if (isOver) return;
    isOver = true;
    if (!('wasClean' in event && event.wasClean === true)) failure ??= 'the connection was lost';
    if (held.length === 0 && !paused) end();
    else soon();
  };

  socket.pause?.();
  // They live as long as the socket: of `ws` an 'error' that nobody hears ends the process.
  hearEvent(socket, 'message', heard, failed);
  hearEvent(socket, 'error', broken, failed);
  hearEvent(socket, 'close', over, failed);

  return {
    peer,
    channelBinding: NO_BINDING,
    writable$,

    chunk$: new Observable((subscriber) => {
      if (closed) {
        subscriber.complete();
        return;
      }
      reader = subscriber;
      soon();
      return () => {
        reader = undefined;
        if (!closed && !isOver) socket.pause?.();
      };
    }),

    write: (bytes) => {
      if (closed || socket.readyState !== OPEN) return true;
      for (let from = 0; from < bytes.length; from += FRAME_LIMIT)
        socket.send(bytes.subarray(from, from + FRAME_LIMIT));
      return isTaken();
    },

    pause: () => {
      paused = true;
      if (!closed && !isOver) socket.pause?.();
    },

    resume: () => {
      paused = false;
      if (reader !== undefined) soon();
    },

    close: () => {
      if (closed) return;
      closed = true;
      held = [];
      reader?.complete();
      if (!isOver) shut(NORMAL);
    },
  };
};

/** Told by their shape: those of another realm are instances of nothing here. */
const bytesOf = (data: unknown): Uint8Array | undefined => {
  if (typeof data !== 'object' || data === null) return undefined;
  if (ArrayBuffer.isView(data)) return data as Uint8Array;
  return new Uint8Array(data as ArrayBuffer);
};
