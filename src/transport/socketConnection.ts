import type { Socket } from 'node:net';
import { fromEvent, Observable, type Subscriber } from 'rxjs';
import { type Connection, LinkError } from '../../streams/wire/index.js';
import { formatAddress } from '../address.js';
import { after, guarded, hear } from '../guard.js';
import { explainNetworkError } from './networkError.js';

/** How long a peer may take, in ms, to receive what was written before `close`. */
const CLOSE_GRACE = 1000;

export interface SocketOptions {
  /** What both ends of an encrypted channel know and nobody else does; empty where there is none. */
  readonly channelBinding: Uint8Array;
  /** Whether a socket has taken what was written to it; where it has not, a 'drain' has to follow. */
  readonly isTaken: (socket: Socket) => boolean;
  /** What it took the kernel has, all of it. */
  readonly takesAtOnce: boolean;
  /** Has it read in another way than by 'data', where it can be. */
  readonly readBy?: ((socket: Socket, next: (chunk: Uint8Array) => void) => boolean) | undefined;
}

/** A socket as a connection. `from(socket)` would leak it, and `fromEvent(socket, 'data')` throws on 'error'. */
export const socketConnection = (socket: Socket, options: SocketOptions): Connection =>
  new SocketConnection(socket, options);

/** A class: each member has one, and its functions as closures were cold memory on the way of every delivery. */
class SocketConnection implements Connection {
  readonly peer: string;
  readonly channelBinding: Uint8Array;
  readonly takesAtOnce: boolean;
  readonly #socket: Socket;
  readonly #isTaken: (socket: Socket) => boolean;
  readonly #hasData: boolean;
  #failure: Error | undefined;
  #isClosed = false;
  #isPaused = false;
  #reader: Subscriber<Uint8Array> | undefined;

  constructor(socket: Socket, { channelBinding, isTaken, takesAtOnce, readBy }: SocketOptions) {
    this.peer = formatAddress({ host: socket.remoteAddress ?? 'gone', port: socket.remotePort ?? 0 });
    this.channelBinding = channelBinding;
    this.takesAtOnce = takesAtOnce;
    this.#socket = socket;
    this.#isTaken = isTaken;
    this.#hasData = readBy?.(socket, guarded(this.#heard, this.#failed)) !== true;
    // Lives as long as the socket: an 'error' that nobody hears ends the process.
    hear(
      socket,
      'error',
      (error: Error) => {
        this.#failure = error;
      },
      this.#failed,
    );
  }

  readonly #heard = (chunk: Uint8Array): void => {
    this.#reader?.next(chunk);
  };

  /** A fault of ours with this connection ends this connection. */
  readonly #failed = (error: unknown): void => {
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
    return this.#isTaken(socket);
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
    const calledOff = after(CLOSE_GRACE, () => socket.destroy(), this.#failed);
    hear(socket, 'close', calledOff, this.#failed);
    socket.end();
    // Unread bytes would make the kernel reset the connection, and the peer would lose our last words.
    socket.resume();
  }

  #read(subscriber: Subscriber<Uint8Array>): void {
    const socket = this.#socket;
    const end = () => {
      if (this.#failure === undefined) subscriber.complete();
      else subscriber.error(new LinkError(explainNetworkError(this.#failure)));
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
    subscriber.add(hear(socket, 'end', end, this.#failed));
    subscriber.add(hear(socket, 'close', end, this.#failed));
    if (this.#hasData) subscriber.add(hear(socket, 'data', this.#heard, this.#failed));
    if (!this.#isPaused) socket.resume();
  }
}

let last: Uint8Array = new Uint8Array(0);
let lastAsBuffer: Buffer = Buffer.alloc(0);

/** Those who keep up are written the same bytes one after another, and Node would make a `Buffer` of them for each. */
const asBuffer = (bytes: Uint8Array): Buffer => {
  if (bytes !== last) {
    last = bytes;
    lastAsBuffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }
  return lastAsBuffer;
};
