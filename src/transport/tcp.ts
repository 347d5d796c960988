import { connect as connectSocket, createServer, type Server, type Socket } from 'node:net';
import { Observable } from 'rxjs';
import type { Connection } from '../../streams/wire/index.js';
import type { Address } from '../address.js';
import { connecting } from './connecting.js';
import { guarded } from '../guard.js';
import { accepted, faults, listening, type Listening } from './listening.js';
import { readIntoOne } from './oneBuffer.js';
import { mayShareBuffer } from './oneBufferTest.js';
import { socketConnection, type SocketOptions } from './socketConnection.js';

/**
 * With 1, `writableLength` tells whether the kernel took everything, and 'drain' follows whenever it did not; a larger
 * mark would let the socket pile up slices that the log holds anyway.
 */
const HIGH_WATER_MARK = 1;

const NO_BINDING = new Uint8Array(0);

/** A socket as a connection; also one of a server of yours, whose high-water mark is another. */
export const tcpConnection = (socket: Socket): Connection => overTcp(socket);

const overTcp = (socket: Socket, readBy?: SocketOptions['readBy']): Connection =>
  socketConnection(socket, {
    channelBinding: NO_BINDING,
    // Below the mark no 'drain' would follow.
    isTaken: ({ writableLength, writableNeedDrain }) => writableLength === 0 || !writableNeedDrain,
    takesAtOnce: socket.writableHighWaterMark === HIGH_WATER_MARK,
    readBy,
  });

/** Listens on an address: emits once, when it does. Errors when it cannot; unsubscribing accepts no more. */
export const listenTcp = (address: Address): Observable<Listening> =>
  new Observable((subscriber) => {
    const server: Server = createServer({ highWaterMark: HIGH_WATER_MARK, noDelay: true, keepAlive: true });
    const heard = faults();
    let read: SocketOptions['readBy'];
    const made = (socket: Socket) => overTcp(socket, read);
    const connection$ = accepted(server, { event: 'connection', made }, heard.report);
    void mayShareBuffer().then(
      guarded(
        (isShared: boolean) => {
          if (isShared) read = readIntoOne;
          if (!subscriber.closed) subscriber.add(listening(server, address, subscriber, heard, connection$));
        },
        (error) => {
          subscriber.error(error);
        },
      ),
    );
  });

/**
 * Connects to an address: emits the connection and completes; closing it is for whoever got it. Errors with `LinkError`;
 * unsubscribing before it is connected gives up.
 */
export const connectTcp = (address: Address, timeoutMs = 10_000): Observable<Connection> =>
  connecting({
    address,
    timeoutMs,
    open: () => connectSocket({ ...address, noDelay: true, keepAlive: true, ...HIGH_WATER_MARKS }),
    event: 'connect',
    made: tcpConnection,
  });

const HIGH_WATER_MARKS = { highWaterMark: HIGH_WATER_MARK };
