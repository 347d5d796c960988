import { closeSync, openSync } from 'node:fs';
import type { Server, Socket } from 'node:net';
import { devNull } from 'node:os';
import { Observable, type Subscriber } from 'rxjs';
import type { Connection } from '../../streams/wire/index.js';
import { type Address, formatAddress } from '../util/address.js';
import { errorCode } from '../util/errors.js';
import { addListener, errorMessage, ignoreErrors, prependListener, startTimer } from '../util/guard.js';

/** A fault of a listener that concerns no connection yet. The relay continues. */
export type ListenerFault =
  /** An internal error with one socket, which was closed. */
  | { readonly type: 'socket-failed'; readonly peer: string; readonly reason: string }
  /** The process has no file descriptor left, and the system drops new connections. */
  | { readonly type: 'no-descriptors' }
  /** A trusted proxy sent no valid header of the PROXY protocol. The connection was closed. */
  | { readonly type: 'proxy-header-invalid'; readonly peer: string; readonly reason: string }
  /** A page of this origin requested a WebSocket and was rejected. */
  | { readonly type: 'origin-refused'; readonly peer: string; readonly origin: string };

/** Receives each fault. */
export type ReportFault = (fault: ListenerFault) => void;

/** Returns the address and port of the client at the other end of a socket, which a proxy may forward. */
export type PeerOf = (socket: Socket) => string;

/** Begins an IPv4 address at a socket that listens for IPv6 too. */
const MAPPED = /^::ffff:(?=[\d.]+$)/i;

/** Returns the address and port of the other end of a socket. */
export const peerAddress = ({
  remoteAddress = 'gone',
  remotePort = 0,
}: Pick<Socket, 'remoteAddress' | 'remotePort'>): string =>
  formatAddress({ host: remoteAddress.replace(MAPPED, ''), port: remotePort });

/** Where to listen. */
export interface ListenAddress extends Address {
  /**
   * Descriptor of a TCP socket that listens already, such as one that systemd passes. The port does not matter then. The
   * host is only a name, by which a page of the relay is recognized.
   */
  readonly fd?: number | undefined;
}

/** A listener of a relay. */
export interface Listener {
  /** The address of the listener, with the actual port if 0 was requested. */
  readonly address: Address;
  /**
   * Emits connections from now on, to one subscriber at a time. Connections without a subscriber are closed.
   * Never completes; the listener closes when its source is unsubscribed.
   */
  readonly connection$: Observable<Connection>;
  /** Emits faults of sockets that are no connection yet, for a log. Never completes. */
  readonly fault$: Observable<ListenerFault>;
}

/** How a server turns sockets into connections. */
export interface AcceptOptions<S extends Socket> {
  /** The event that emits a socket. */
  readonly event: string;
  readonly wrap: (socket: S) => Connection;
}

/** Error message for a descriptor that is no listening TCP socket. */
const NOT_TCP = 'it is no listening TCP socket';

/** Maximum number of connections that wait to be accepted. */
const BACKLOG = 4096;

/** Delay in ms of the descriptor check after a connection, once for all connections meanwhile. */
const DESCRIPTOR_CHECK_DELAY_MS = 1000;

/** Creates a function that reports faults, and the Observable of its reports. */
export const createFaultReporter = (): {
  readonly report: ReportFault;
  readonly fault$: Observable<ListenerFault>;
} => {
  const subscribers = new Set<Subscriber<ListenerFault>>();
  return {
    report: (fault) => {
      for (const subscriber of subscribers) subscriber.next(fault);
    },
    fault$: new Observable((subscriber) => {
      subscribers.add(subscriber);
      return () => subscribers.delete(subscriber);
    }),
  };
};

/** Closes a socket after an internal error, and reports it. */
export const dropSocket = (report: ReportFault, error: unknown, socket: Socket): void => {
  const peer = peerAddress(socket);
  socket.destroy();
  report({ type: 'socket-failed', peer, reason: errorMessage(error) });
};

/** Starts a server and emits its listener. Returns a function that closes it. */
export const startListening = (
  server: Server,
  { host, port, fd }: ListenAddress,
  subscriber: Subscriber<Listener>,
  { report, fault$ }: ReturnType<typeof createFaultReporter>,
  connection$: Observable<Connection>,
): (() => void) => {
  const onThrow = (error: unknown) => {
    subscriber.error(error);
  };
  // After listening, an error concerns one connection that could not be accepted.
  addListener(
    server,
    'error',
    (error: Error) => {
      if (!server.listening)
        subscriber.error(fd === undefined ? error : new Error(NOT_TCP, { cause: error }));
      else if (isOutOfDescriptors(error)) report({ type: 'no-descriptors' });
    },
    onThrow,
  );
  const stopWatching = watchDescriptors(server, report);
  server.listen({ ...(fd === undefined ? { host, port } : { fd }), backlog: BACKLOG }, () => {
    const bound = server.address();
    if (bound === null || typeof bound === 'string') subscriber.error(new Error(NOT_TCP));
    else {
      const address = { host: fd === undefined ? host : bound.address, port: bound.port };
      subscriber.next({ address, connection$, fault$ });
    }
  });
  return () => {
    stopWatching();
    server.close();
  };
};

/**
 * Emits the sockets of a server as connections. A socket that cannot be wrapped is closed without affecting
 * others.
 */
export const acceptConnections = <S extends Socket>(
  server: Server,
  { event, wrap }: AcceptOptions<S>,
  report: ReportFault,
): Observable<Connection> => {
  let subscriber: Subscriber<Connection> | undefined;
  const drop = (error: unknown, socket: S) => {
    dropSocket(report, error, socket);
  };
  addListener(
    server,
    event,
    (socket: S) => {
      if (subscriber === undefined) {
        ignoreErrors(socket);
        socket.destroy();
      } else subscriber.next(wrap(socket));
    },
    drop,
  );
  return new Observable((each) => {
    subscriber = each;
    return () => {
      if (subscriber === each) subscriber = undefined;
    };
  });
};

/**
 * Reports when the process has no descriptor left after a connection. The system then drops new connections
 * without notifying Node.
 */
const watchDescriptors = (server: Server, report: ReportFault): (() => void) => {
  let cancelCheck: (() => void) | undefined;
  const ignore = () => undefined;
  const checkDescriptors = () => {
    cancelCheck = undefined;
    try {
      closeSync(openSync(devNull, 'r'));
    } catch (error) {
      if (isOutOfDescriptors(error)) report({ type: 'no-descriptors' });
    }
  };
  prependListener(
    server,
    'connection',
    () => {
      cancelCheck ??= startTimer(DESCRIPTOR_CHECK_DELAY_MS, checkDescriptors, ignore);
    },
    ignore,
  );
  return () => cancelCheck?.();
};

const isOutOfDescriptors = (error: unknown): boolean => ['EMFILE', 'ENFILE'].includes(errorCode(error) ?? '');
