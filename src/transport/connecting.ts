import type { Socket } from 'node:net';
import { Observable } from 'rxjs';
import { type Connection, LinkError } from '../../streams/wire/index.js';
import { type Address, formatAddress } from '../address.js';
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
    const late = setTimeout(() => {
      fail(new Error(`no answer within ${timeoutMs} ms`));
    }, timeoutMs);
    socket.once('error', fail).once('close', ended);
    socket.once(event, () => {
      clearTimeout(late);
      socket.off('error', fail).off('close', ended);
      try {
        const connection = made(socket);
        connected = true;
        subscriber.next(connection);
        subscriber.complete();
      } catch (error) {
        subscriber.error(error);
      }
    });
    return () => {
      clearTimeout(late);
      if (!connected) socket.on('error', () => undefined).destroy();
    };
  });
