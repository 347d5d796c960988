import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { Observable } from 'rxjs';
import { addListener } from '../../../../util/guard.js';

/** Sums over the sockets that the servers of this process have accepted. */
export interface SocketTraffic {
  readonly acceptedSockets: number;
  /** Bytes with those of TLS and HTTP. */
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

/** The channel on which Node publishes each socket that a server accepts. */
const CHANNEL = 'net.server.socket';

/**
 * Counts the traffic of all accepted sockets while subscribed: emits once a function that returns the sums.
 *
 * Sockets count their bytes anyway. They are read only when asked, so that a line costs nothing more.
 *
 * @param includes returns whether a socket counts.
 */
export const socketTraffic = (includes: (socket: Socket) => boolean): Observable<() => SocketTraffic> =>
  new Observable((subscriber) => {
    const open = new Set<Socket>();
    let [acceptedSockets, closedReceived, closedSent] = [0, 0, 0];

    const onAccepted = (message: unknown) => {
      const { socket } = message as { readonly socket: Socket };
      if (!includes(socket)) return;
      acceptedSockets += 1;
      open.add(socket);
      addListener(
        socket,
        'close',
        () => {
          open.delete(socket);
          closedReceived += socket.bytesRead;
          closedSent += socket.bytesWritten;
        },
        () => undefined,
      );
    };

    subscribe(CHANNEL, onAccepted);
    subscriber.add(() => {
      unsubscribe(CHANNEL, onAccepted);
    });
    subscriber.next(() => {
      let [receivedBytes, sentBytes] = [closedReceived, closedSent];
      for (const { bytesRead, bytesWritten } of open) {
        receivedBytes += bytesRead;
        sentBytes += bytesWritten;
      }
      return { acceptedSockets, receivedBytes, sentBytes };
    });
  });
