import type { Socket } from 'node:net';
import { fromEvent, Observable, type Subscriber } from 'rxjs';
import { type Connection, LinkError } from '../../streams/wire/index.js';
import { formatAddress } from '../address.js';
import { explainNetworkError } from './networkError.js';

/** How long a peer may take, in ms, to receive what was written before `close`. */
const CLOSE_GRACE = 1000;

export interface SocketOptions {
  /** What both ends of an encrypted channel know and nobody else does; empty where there is none. */
  readonly channelBinding: Uint8Array;
  /** Whether a socket has taken what was written to it; where it has not, a 'drain' has to follow. */
  readonly isTaken: (socket: Socket) => boolean;
}

/** A socket as a connection. `from(socket)` would leak it, and `fromEvent(socket, 'data')` throws on 'error'. */
export const socketConnection = (socket: Socket, { channelBinding, isTaken }: SocketOptions): Connection => {
  const peer = formatAddress({ host: socket.remoteAddress ?? 'gone', port: socket.remotePort ?? 0 });
  let failure: Error | undefined;
  let closed = false;
  let paused = false;
  let reader: Subscriber<Uint8Array> | undefined;

  // Lives as long as the socket: an 'error' that nobody hears ends the process.
  socket.on('error', (error) => {
    failure = error;
  });

  return {
    peer,
    channelBinding,
    writable$: fromEvent(socket, 'drain'),

    chunk$: new Observable((subscriber) => {
      const end = () => {
        if (failure === undefined) subscriber.complete();
        else subscriber.error(new LinkError(explainNetworkError(failure)));
      };
      const data = (chunk: Buffer) => {
        subscriber.next(chunk);
      };
      subscriber.add(() => {
        reader = undefined;
        socket.off('data', data).off('end', end).off('close', end);
        if (!closed) socket.pause();
      });
      if (closed || socket.destroyed || socket.readableEnded) {
        end();
        return;
      }
      reader = subscriber;
      socket.on('end', end).on('close', end).on('data', data);
      if (!paused) socket.resume();
    }),

    write: (bytes) => {
      if (closed || !socket.writable) return true;
      socket.write(bytes);
      return isTaken(socket);
    },

    pause: () => {
      paused = true;
      socket.pause();
    },

    resume: () => {
      paused = false;
      if (reader !== undefined) socket.resume();
    },

    close: () => {
      if (closed) return;
      closed = true;
      reader?.complete();
      if (socket.destroyed) return;
      const force = setTimeout(() => socket.destroy(), CLOSE_GRACE);
      socket.once('close', () => {
        clearTimeout(force);
      });
      socket.end();
      // Unread bytes would make the kernel reset the connection, and the peer would lose our last words.
      socket.resume();
    },
  };
};
