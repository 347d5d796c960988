import type { Socket } from 'node:net';
import { Observable } from 'rxjs';
import { type Connection, LinkError } from '../../streams/wire/index.js';
import { type Address, formatAddress } from '../address.js';
import { after, hear, ignoreErrors } from '../guard.js';
import { explainNetworkError } from './networkError.js';

export interface Connecting<S extends Socket> {
  readonly address: Address;
  readonly timeoutMs: number;
  readonly open: () => S;
  /** What the socket emits once it can be used. */
  readonly event: string;
  /** The connection that it is then. May throw where the other end is not who it should be. */
  readonly made: (socket: S) => Connection;
}

/**
 * One attempt to connect: emits the connection and completes. Errors with `LinkError`, or with what `made` throws;
 * unsubscribing before gives up.
 */
export const connecting = <S extends Socket>({
  address,
  timeoutMs,
  open,
  event,
  made,
}: Connecting<S>): Observable<Connection> =>
  new Observable((subscriber) => {
    const socket = open();
    let connected = false;
    const fail = (error: Error) => {
      subscriber.error(
        new LinkError(`cannot reach ${formatAddress(address)}: ${explainNetworkError(error)}`),
      );
    };
    const ended = () => {
      fail(new Error('the connection was closed'));
    };
    const broke = (error: unknown) => {
      subscriber.error(error);
    };
    const late = after(
      timeoutMs,
      () => {
        fail(new Error(`no answer within ${timeoutMs} ms`));
      },
      broke,
    );
    const stops = [hear(socket, 'error', fail, broke), hear(socket, 'close', ended, broke), late];
    const opened = () => {
      for (const stop of stops) stop();
      stopOpened();
      const connection = made(socket);
      connected = true;
      subscriber.next(connection);
      subscriber.complete();
    };
    // What `made` throws is the error, too.
    const stopOpened = hear(socket, event, opened, broke);
    return () => {
      late();
      if (connected) return;
      ignoreErrors(socket);
      socket.destroy();
    };
  });
