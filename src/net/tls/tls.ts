import { connect as connectSocket, createServer, type Server, type TLSSocket } from 'node:tls';
import { isIP } from 'node:net';
import { Observable } from 'rxjs';
import type { ConnectionLimits } from '../../../streams/relay/index.js';
import type { Connection } from '../../../streams/wire/index.js';
import type { Address } from '../../util/address.js';
import { type Certificate, computePin, type PeerCertificate } from './certificate.js';
import { openConnection } from '../socketConnection.js';
import { limitHandshakes } from '../limitHandshakes.js';
import {
  acceptConnections,
  createFaultReporter,
  type ListenAddress,
  type Listener,
  peerAddress,
  type PeerOf,
  startListening,
} from '../listener.js';
import { type ProxyOptions, readProxyHeaders } from '../readProxyHeaders.js';
import { socketConnection } from '../socketConnection.js';

const SERVER_OPTIONS = {
  minVersion: 'TLSv1.3',
  noDelay: true,
  keepAlive: true,
} as const;

/** RFC 9266: `tls-exporter`. */
const CHANNEL_BINDING = { label: 'EXPORTER-Channel-Binding', bytes: 32 } as const;

/** Wraps a TLS socket as a connection with channel binding (RFC 9266), after the handshake. */
export const tlsConnection = (socket: TLSSocket, peer: string = peerAddress(socket)): Connection =>
  socketConnection(socket, {
    peer,
    channelBinding: socket.exportKeyingMaterial(
      CHANNEL_BINDING.bytes,
      CHANNEL_BINDING.label,
      Buffer.alloc(0),
    ),
    // TLS always buffers, so a buffered byte means nothing; 'drain' follows only if it is full.
    isDrained: ({ writableNeedDrain }) => !writableNeedDrain,
    copiesOnWrite: false,
  });

/**
 * Listens with TLS 1.3 on an address: emits once it listens, as `listenTcp` does.
 *
 * It starts with the first certificate, and later handshakes use the newest. Errors if it cannot listen, if a
 * certificate is invalid, and with `certificate$`. A handshake that fails or takes more than `handshakeTimeoutMs`
 * ms (default 10 s) never becomes a connection. Pending handshakes are limited separately from connections.
 *
 * With `proxy`, connections of trusted proxies begin with a header of the PROXY protocol.
 */
export const listenTls = (
  address: ListenAddress,
  certificate$: Observable<Certificate>,
  {
    handshakeTimeoutMs = 10_000,
    proxy,
    ...limits
  }: ConnectionLimits & {
    readonly handshakeTimeoutMs?: number;
    readonly proxy?: ProxyOptions | undefined;
  } = {},
): Observable<Listener> =>
  new Observable((subscriber) => {
    let server: Server | undefined;

    const startServer = (certificate: Certificate) => {
      const tlsServer = createServer({
        ...certificate,
        ...SERVER_OPTIONS,
        handshakeTimeout: handshakeTimeoutMs,
      });
      server = tlsServer;
      const faultReporter = createFaultReporter();
      const { report } = faultReporter;
      let peerOf: PeerOf = peerAddress;
      limitHandshakes(tlsServer, limits, report, (socket) => peerOf(socket));
      const wrap = (socket: TLSSocket) => tlsConnection(socket, peerOf(socket));
      const connection$ = acceptConnections(tlsServer, { event: 'secureConnection', wrap }, report);
      if (proxy !== undefined) peerOf = readProxyHeaders(tlsServer, proxy, report);
      return startListening(tlsServer, address, subscriber, faultReporter, connection$);
    };

    const subscription = certificate$.subscribe({
      next: (certificate) => {
        try {
          if (server === undefined) subscriber.add(startServer(certificate));
          else server.setSecureContext({ ...certificate, ...SERVER_OPTIONS });
        } catch (error) {
          subscriber.error(error);
        }
      },
      error: (error: unknown) => {
        subscriber.error(error);
      },
    });
    subscriber.add(subscription);
  });

/**
 * Connects with TLS 1.3, as `connectTcp` does without. `accept` decides about the peer before anything is sent,
 * and throws if it is not trusted. Errors with `ConnectionError`, or with what `accept` throws.
 */
export const connectTls = (
  address: Address,
  accept: (peer: PeerCertificate) => void,
  timeoutMs = 10_000,
): Observable<Connection> =>
  openConnection({
    address,
    timeoutMs,
    open: () =>
      connectSocket({
        ...address,
        ...(isIP(address.host) === 0 && { servername: address.host }),
        minVersion: 'TLSv1.3',
        // `accept` decides: a pin needs no authority, and an authority does not replace a pin.
        rejectUnauthorized: false,
      }),
    readyEvent: 'secureConnect',
    wrap: (socket) => {
      socket.setNoDelay(true).setKeepAlive(true);
      accept(peerCertificate(socket));
      return tlsConnection(socket);
    },
  });

/** Returns the identity of the peer of a TLS socket. */
export const peerCertificate = (socket: TLSSocket): PeerCertificate => {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) throw new TypeError('the relay sent no certificate');
  return {
    pin: computePin(certificate),
    problem: socket.authorized ? undefined : String(socket.authorizationError),
  };
};
