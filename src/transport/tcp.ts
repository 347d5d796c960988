import { connect as connectSocket, createServer, type Server, type Socket } from 'node:net';
import { fromEvent, map, Observable, type Subscriber } from 'rxjs';
import { type Connection, LinkError } from '../../streams/wire/index.js';
import { type Address, formatAddress } from '../address.js';
import { explainNetworkError } from './networkError.js';

/**
 * With 1, `writableLength` tells whether the kernel took everything, and 'drain' follows whenever it did not; a larger
 * mark would let the socket pile up slices that the log holds anyway.
 */
const HIGH_WATER_MARK = 1;

/** How long a peer may take, in ms, to receive what was written before `close`. */
const CLOSE_GRACE = 1000;

/** As many connections may wait to be accepted. */
const BACKLOG = 4096;

const NO_BINDING = new Uint8Array(0);

/** A socket as a connection. `from(socket)` would leak it, and `fromEvent(socket, 'data')` throws on 'error'. */
export const tcpConnection = (socket: Socket): Connection => {
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
    channelBinding: NO_BINDING,
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
      return socket.writableLength === 0;
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

/** A relay's ear. */
export interface Listening {
  /** Where it listens; the port that was picked, where 0 was asked for. */
  readonly address: Address;
  /** Connections, from now on. Never completes by itself: the ear closes when `listenTcp` is unsubscribed. */
  readonly connection$: Observable<Connection>;
}

/** Listens on an address: emits once, when it does. Errors when it cannot; unsubscribing accepts no more. */
export const listenTcp = ({ host, port }: Address): Observable<Listening> =>
  new Observable((subscriber) => {
    const server: Server = createServer({ highWaterMark: HIGH_WATER_MARK, noDelay: true, keepAlive: true });
    // After listening an error is about one connection that could not be accepted (no descriptor left, say).
    server.on('error', (error) => {
      if (!server.listening) subscriber.error(error);
    });
    server.listen({ host, port, backlog: BACKLOG }, () => {
      const bound = server.address();
      subscriber.next({
        address: { host, port: typeof bound === 'object' && bound !== null ? bound.port : port },
        connection$: fromEvent(server, 'connection').pipe(map((socket) => tcpConnection(socket as Socket))),
      });
    });
    return () => {
      server.close();
    };
  });

/**
 * Connects to an address: emits the connection and completes; closing it is for whoever got it. Errors with `LinkError`;
 * unsubscribing before it is connected gives up.
 */
export const connectTcp = (address: Address, timeoutMs = 10_000): Observable<Connection> =>
  new Observable((subscriber) => {
    const socket = connectSocket({ ...address, noDelay: true, keepAlive: true, ...HIGH_WATER_MARKS });
    const fail = (error: Error) => {
      subscriber.error(
        new LinkError(`cannot reach ${formatAddress(address)}: ${explainNetworkError(error)}`),
      );
    };
    const late = setTimeout(() => {
      fail(new Error(`no answer within ${timeoutMs} ms`));
    }, timeoutMs);
    let connected = false;
    socket.once('error', fail);
    socket.once('connect', () => {
      connected = true;
      clearTimeout(late);
      socket.off('error', fail);
      subscriber.next(tcpConnection(socket));
      subscriber.complete();
    });
    return () => {
      clearTimeout(late);
      if (!connected) socket.on('error', () => undefined).destroy();
    };
  });

const HIGH_WATER_MARKS = { highWaterMark: HIGH_WATER_MARK };
