import { openSync, closeSync } from 'node:fs';
import type { Server, Socket } from 'node:net';
import { devNull } from 'node:os';
import { Observable, type Subscriber } from 'rxjs';
import type { Connection } from '../../streams/wire/index.js';
import type { Address } from '../address.js';
import { type ListeningFault, peerOf, type Report } from './fault.js';
import { after, hear, hearFirst, ignoreErrors, reasonOf } from '../guard.js';
import { errorCode } from './networkError.js';

/** A relay's ear. */
export interface Listening {
  /** Where it listens; the port that was picked, where 0 was asked for. */
  readonly address: Address;
  /**
   * Connections, from now on; one subscriber at a time. Who comes while there is none is closed. Never completes by
   * itself: the ear closes when what gave it is unsubscribed.
   */
  readonly connection$: Observable<Connection>;
  /** What goes wrong with sockets that are no connection: for a log. Never completes by itself. */
  readonly fault$: Observable<ListeningFault>;
}

/** How a server makes connections of its sockets. */
export interface Accepting<S extends Socket> {
  /** The event that gives a socket. */
  readonly event: string;
  readonly made: (socket: S) => Connection;
}

/** As many connections may wait to be accepted. */
const BACKLOG = 4096;

/** How long, in ms, after somebody came the descriptors are looked at, once for all who came meanwhile. */
const LOOK = 1000;

/** Several listeners to what goes wrong, as an Observable. */
export const faults = (): { readonly report: Report; readonly fault$: Observable<ListeningFault> } => {
  const heard = new Set<Subscriber<ListeningFault>>();
  return {
    report: (fault) => {
      for (const subscriber of heard) subscriber.next(fault);
    },
    fault$: new Observable((subscriber) => {
      heard.add(subscriber);
      return () => heard.delete(subscriber);
    }),
  };
};

/** Closes a socket with which something of ours failed, and reports it. */
export const dropSocket = (report: Report, error: unknown, socket: Socket): void => {
  const peer = peerOf(socket);
  socket.destroy();
  report({ type: 'socket-failed', peer, reason: reasonOf(error) });
};

/**
 * Lets a server listen and tells a subscriber; gives what ends it. `faults` are those of the server; `connection$`
 * comes of its sockets.
 */
export const listening = (
  server: Server,
  { host, port }: Address,
  subscriber: Subscriber<Listening>,
  { report, fault$ }: ReturnType<typeof faults>,
  connection$: Observable<Connection>,
): (() => void) => {
  const broken = (error: unknown) => {
    subscriber.error(error);
  };
  // After listening an error is about one connection that could not be accepted.
  hear(
    server,
    'error',
    (error: Error) => {
      if (!server.listening) subscriber.error(error);
      else if (isWithoutDescriptors(error)) report({ type: 'no-descriptors' });
    },
    broken,
  );
  const stopLooking = lookForDescriptors(server, report);
  server.listen({ host, port, backlog: BACKLOG }, () => {
    const bound = server.address();
    subscriber.next({
      address: { host, port: typeof bound === 'object' && bound !== null ? bound.port : port },
      connection$,
      fault$,
    });
  });
  return () => {
    stopLooking();
    server.close();
  };
};

/** The sockets of a server as connections. A socket of which none can be made is closed, and nobody else is concerned. */
export const accepted = <S extends Socket>(
  server: Server,
  { event, made }: Accepting<S>,
  report: Report,
): Observable<Connection> => {
  let subscriber: Subscriber<Connection> | undefined;
  const drop = (error: unknown, socket: S) => {
    dropSocket(report, error, socket);
  };
  hear(
    server,
    event,
    (socket: S) => {
      if (subscriber === undefined) {
        ignoreErrors(socket);
        socket.destroy();
      } else subscriber.next(made(socket));
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
 * Reports when this process has no descriptor left after somebody came. The system drops whoever comes then, and tells
 * Node nothing.
 */
const lookForDescriptors = (server: Server, report: Report): (() => void) => {
  let callOff: (() => void) | undefined;
  const ignore = () => undefined;
  const look = () => {
    callOff = undefined;
    try {
      closeSync(openSync(devNull, 'r'));
    } catch (error) {
      if (isWithoutDescriptors(error)) report({ type: 'no-descriptors' });
    }
  };
  hearFirst(
    server,
    'connection',
    () => {
      callOff ??= after(LOOK, look, ignore);
    },
    ignore,
  );
  return () => callOff?.();
};

const isWithoutDescriptors = (error: unknown): boolean =>
  ['EMFILE', 'ENFILE'].includes(errorCode(error) ?? '');
