import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { TLSSocket } from 'node:tls';
import { defer, from, type Observable, switchMap } from 'rxjs';
import type { Connection } from '../../streams/wire/index.js';
import { formatAddress } from '../address.js';
import type { Invite } from '../invite/invite.js';
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
      const open = (url: string) =>
        new WebSocket(url, {
          perMessageDeflate: false,
          maxPayload: FRAME_LIMIT,
          handshakeTimeout: HANDSHAKE,
          minVersion: 'TLSv1.3',
          ...(isIP(invite.host) === 0 && { servername: invite.host }),
          rejectUnauthorized: false,
        }).on('upgrade', (upgraded) => (response = upgraded));
      return connectWebSocket(webSocketUrl(invite.web ?? 'https', formatAddress(invite)), {
        open,
        accept: () => {
          if (response?.socket instanceof TLSSocket) accept(peerOf(response.socket));
        },
      });
    }),
  );
