import type { IncomingMessage } from 'node:http';
import { isIP, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { defer, from, type Observable, switchMap } from 'rxjs';
import type { Connection } from '../../../streams/wire/index.js';
import { formatAddress } from '../../util/address.js';
import type { Invite } from '../../invite/invite.js';
import { TrustError } from '../tls/trust.js';
import { addListener } from '../../util/guard.js';
import { errorCode, describeNetworkError } from '../../util/errors.js';
import { peerCertificate } from '../tls/tls.js';
import type { PeerCertificate } from '../tls/certificate.js';
import { connectWebSocket, webSocketUrl } from './webSocketClient.js';
import { MAX_FRAME_BYTES } from './webSocketConnection.js';

/** Timeout of TLS and the upgrade in ms. */
const HANDSHAKE_TIMEOUT_MS = 10_000;

/**
 * Connects to the relay of a page link by WebSocket. Loads the package `ws` on demand. With TLS `accept`
 * decides about the peer, as in `connectTls`, before anything except the upgrade request is sent.
 */
export const connectNodeWebSocket = (
  invite: Invite,
  accept: (peer: PeerCertificate) => void,
): Observable<Connection> =>
  defer(() => from(import('ws'))).pipe(
    switchMap(({ WebSocket }) => {
      let response: IncomingMessage | undefined;
      const open = (url: string) => {
        const socket = new WebSocket(url, {
          perMessageDeflate: false,
          maxPayload: MAX_FRAME_BYTES,
          handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
          minVersion: 'TLSv1.3',
          ...(isIP(invite.host) === 0 && { servername: invite.host }),
          rejectUnauthorized: false,
        });
        addListener(
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
            ? describeNetworkError(event.error as Error)
            : undefined,
        accept: () => {
          checkPeer(scheme, response?.socket, accept);
        },
      });
    }),
  );

/** Lets `accept` decide about the peer. Throws if TLS was requested and is missing. */
export const checkPeer = (
  scheme: 'https' | 'http',
  socket: Socket | undefined,
  accept: (peer: PeerCertificate) => void,
): void => {
  if (socket instanceof TLSSocket) accept(peerCertificate(socket));
  else if (scheme === 'https')
    throw new TrustError(
      'the connection to the relay is not encrypted, though its invite says https',
      'this is a bug in rxchat; please report it, and use another kind of invite meanwhile',
    );
};
