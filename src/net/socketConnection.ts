import type { Socket } from 'node:net';
import { fromEvent, Observable, type Subscriber } from 'rxjs';
import { type Connection, ConnectionError } from '../../streams/wire/index.js';
import { formatAddress, type Address } from '../util/address.js';
import { startTimer, guard, addListener, ignoreErrors } from '../util/guard.js';
import { describeNetworkError } from '../util/errors.js';

/** How long a peer may take to receive the last bytes after `close`, in ms. */
const CLOSE_TIMEOUT_MS = 1000;

export interface SocketOptions {
  /** Address and port of the peer. */
  readonly peer: string;
  /** Secret of both ends of an encrypted channel; empty without encryption. */
  readonly channelBinding: Uint8Array;
  /** Whether the socket has passed everything on. If not, 'drain' has to follow. */
  readonly isDrained: (socket: Socket) => boolean;
  /** Whether accepted bytes are completely in the kernel. */
  readonly copiesOnWrite: boolean;
  /** Reads without 'data' events, if possible. */
  readonly attachReader?: ((socket: Socket, next: (chunk: Uint8Array) => void) => boolean) | undefined;
}

/**
 * Wraps a socket as a connection. `from(socket)` would leak it, and `fromEvent(socket, 'data')` throws on
 * 'error'.
 */
export const socketConnection = (socket: Socket, options: SocketOptions): Connection =>
  new SocketConnection(socket, options);

/** A class on purpose: closures per member were cold memory on the path of every delivery. */
class SocketConnection implements Connection {
  readonly peer: string;
  readonly channelBinding: Uint8Array;
  readonly copiesOnWrite: boolean;
  readonly #socket: Socket;
  readonly #isDrained: (socket: Socket) => boolean;
  readonly #usesDataEvent: boolean;
  #failure: Error | undefined;
  #isClosed = false;
  #isPaused = false;
  #reader: Subscriber<Uint8Array> | undefined;

  constructor(
    socket: Socket,
    { peer, channelBinding, isDrained, copiesOnWrite, attachReader }: SocketOptions,
  ) {
    this.peer = peer;
    this.channelBinding = channelBinding;
    this.copiesOnWrite = copiesOnWrite;
    this.#socket = socket;
    this.#isDrained = isDrained;
    this.#usesDataEvent = attachReader?.(socket, guard(this.#onChunk, this.#onError)) !== true;
    // Stays for the life of the socket, since an unhandled 'error' ends the process.
    addListener(
      socket,
      'error',
      (error: Error) => {
        this.#failure = error;
      },
      this.#onError,
    );
  }

  readonly #onChunk = (chunk: Uint8Array): void => {
    this.#reader?.next(chunk);
  };

  /** Closes this connection after an internal error. */
  readonly #onError = (error: unknown): void => {
    this.#failure ??= error instanceof Error ? error : new Error(String(error));
    this.#socket.destroy();
  };

  get writable$(): Observable<unknown> {
    return fromEvent(this.#socket, 'drain');
  }

  get chunk$(): Observable<Uint8Array> {
    return new Observable((subscriber) => {
      this.#read(subscriber);
    });
  }

  write(bytes: Uint8Array): boolean {
    const socket = this.#socket;
    if (this.#isClosed || !socket.writable) return true;
    socket.write(asBuffer(bytes));
    return this.#isDrained(socket);
  }

  pause(): void {
    this.#isPaused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#isPaused = false;
    if (this.#reader !== undefined) this.#socket.resume();
  }

  close(): void {
    if (this.#isClosed) return;
    const socket = this.#socket;
    this.#isClosed = true;
    this.#reader?.complete();
    if (socket.destroyed) return;
    const calledOff = startTimer(CLOSE_TIMEOUT_MS, () => socket.destroy(), this.#onError);
    addListener(socket, 'close', calledOff, this.#onError);
    socket.end();
    // The kernel resets a connection with unread bytes, and the peer would lose the last lines.
    socket.resume();
  }

  #read(subscriber: Subscriber<Uint8Array>): void {
    const socket = this.#socket;
    const end = () => {
      if (this.#failure === undefined) subscriber.complete();
      else subscriber.error(new ConnectionError(describeNetworkError(this.#failure)));
    };
    subscriber.add(() => {
      this.#reader = undefined;
      if (!this.#isClosed) socket.pause();
    });
    if (this.#isClosed || socket.destroyed || socket.readableEnded) {
      end();
      return;
    }
    this.#reader = subscriber;
    subscriber.add(addListener(socket, 'end', end, this.#onError));
    subscriber.add(addListener(socket, 'close', end, this.#onError));
    if (this.#usesDataEvent) subscriber.add(addListener(socket, 'data', this.#onChunk, this.#onError));
    if (!this.#isPaused) socket.resume();
  }
}

let last: Uint8Array = new Uint8Array(0);
let lastAsBuffer: Buffer = Buffer.alloc(0);

/** Returns a `Buffer` over the bytes. It is cached, since many members are sent the same bytes in a row. */
const asBuffer = (bytes: Uint8Array): Buffer => {
  if (bytes !== last) {
    last = bytes;
    lastAsBuffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }
  return lastAsBuffer;
};

export interface OpenConnectionOptions<S extends Socket> {
  readonly address: Address;
  readonly timeoutMs: number;
  readonly open: () => S;
  /** The event that the socket emits when it is ready. */
  readonly readyEvent: string;
  /** Wraps the socket as a connection. May throw if the peer is not trusted. */
  readonly wrap: (socket: S) => Connection;
}

/**
 * Attempts to connect once: emits the connection and completes. Errors with `ConnectionError`, or with what
 * `wrap` throws. Unsubscribing cancels the attempt.
 */
export const openConnection = <S extends Socket>({
  address,
  timeoutMs,
  open,
  readyEvent,
  wrap,
}: OpenConnectionOptions<S>): Observable<Connection> =>
  new Observable((subscriber) => {
    const socket = open();
    let isConnected = false;
    const fail = (error: Error) => {
      subscriber.error(
        new ConnectionError(`cannot reach ${formatAddress(address)}: ${describeNetworkError(error)}`),
      );
    };
    const onClose = () => {
      fail(new Error('the connection was closed'));
    };
    const onThrow = (error: unknown) => {
      subscriber.error(error);
    };
    const cancelTimeout = startTimer(
      timeoutMs,
      () => {
        fail(new Error(`no answer within ${timeoutMs} ms`));
      },
      onThrow,
    );
    const stops = [
      addListener(socket, 'error', fail, onThrow),
      addListener(socket, 'close', onClose, onThrow),
      cancelTimeout,
    ];
    const onReady = () => {
      for (const stop of stops) stop();
      stopOpened();
      const connection = wrap(socket);
      isConnected = true;
      subscriber.next(connection);
      subscriber.complete();
    };
    // An exception of `wrap` errors the attempt.
    const stopOpened = addListener(socket, readyEvent, onReady, onThrow);
    return () => {
      cancelTimeout();
      if (isConnected) return;
      ignoreErrors(socket);
      socket.destroy();
    };
  });
