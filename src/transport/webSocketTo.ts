import type { IncomingMessage } from 'node:http';
import { isIP, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { defer, from, type Observable, switchMap } from 'rxjs';
import type { Connection } from '../../streams/wire/index.js';
import { formatAddress } from '../address.js';
import type { Invite } from '../invite/invite.js';
import { TrustError } from '../tls/trust.js';
import { hear } from '../guard.js';
import { errorCode, explainNetworkError } from './networkError.js';
import { type Peer, peerOf } from './tls.js';
import { connectWebSocket, webSocketUrl } from './webSocketClient.js';
import { FRAME_LIMIT } from './webSocketConnection.js';

/** What TLS and the upgrade may take, in ms. */
const HANDSHAKE = 10_000;

/**
 * Connects to the relay of a page's link by WebSocket, with the package `ws`, which is loaded for that. With TLS `accept`
 * decides about who answers, as with `connectTls`, before anything but the request for a WebSocket is said to it.
 */
export const connectWeb = (invite: Invite, accept: (peer: Peer) => void): Observable<Connection> =>
  defer(() => from(import('ws'))).pipe(
    switchMap(({ WebSocket }) => {
      let response: IncomingMessage | undefined;
      const open = (url: string) => {
        const socket = new WebSocket(url, {
          perMessageDeflate: false,
          maxPayload: FRAME_LIMIT,
          handshakeTimeout: HANDSHAKE,
          minVersion: 'TLSv1.3',
          ...(isIP(invite.host) === 0 && { servername: invite.host }),
          rejectUnauthorized: false,
        });
        hear(
          socket,
          'upgrade',
          (upgraded: IncomingMessage) => {
            response = upgraded;
          },
          () => {
            socket.terminate();
          },
        );
        return socket;
      };
      const scheme = invite.web ?? 'https';
      return connectWebSocket(webSocketUrl(scheme, formatAddress(invite)), {
        open,
        explain: (event) =>
          'error' in event && errorCode(event.error) !== undefined
            ? explainNetworkError(event.error as Error)
            : undefined,
        accept: () => {
          checkPeer(scheme, response?.socket, accept);
        },
      });
    }),
  );

/** Has `accept` decide about who answers. Where TLS was asked for and there is none, nobody can, and it throws. */
export const checkPeer = (
  scheme: 'https' | 'http',
  socket: Socket | undefined,
  accept: (peer: Peer) => void,
): void => {
  if (socket instanceof TLSSocket) accept(peerOf(socket));
  else if (scheme === 'https')
    throw new TrustError(
      'the connection to the relay is not encrypted, though its invite says https',
      'this is a fault of rxchat: please report it, and use an invite of another kind meanwhile',
    );
};
