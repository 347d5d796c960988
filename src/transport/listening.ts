import type { Server } from 'node:net';
import type { Observable, Subscriber } from 'rxjs';
import type { Connection } from '../../streams/wire/index.js';
import type { Address } from '../address.js';

/** A relay's ear. */
export interface Listening {
  /** Where it listens; the port that was picked, where 0 was asked for. */
  readonly address: Address;
  /** Connections, from now on. Never completes by itself: the ear closes when what gave it is unsubscribed. */
  readonly connection$: Observable<Connection>;
}

/** As many connections may wait to be accepted. */
const BACKLOG = 4096;

/** Lets a server listen and tells a subscriber; gives what ends it. */
export const listening = (
  server: Server,
  { host, port }: Address,
  subscriber: Subscriber<Listening>,
  connections: () => Observable<Connection>,
): (() => void) => {
  // After listening an error is about one connection that could not be accepted (no descriptor left, say).
  server.on('error', (error) => {
    if (!server.listening) subscriber.error(error);
  });
  server.listen({ host, port, backlog: BACKLOG }, () => {
    const bound = server.address();
    subscriber.next({
      address: { host, port: typeof bound === 'object' && bound !== null ? bound.port : port },
      connection$: connections(),
    });
  });
  return () => {
    server.close();
  };
};
