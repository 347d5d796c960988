import { connect as connectSocket, createServer, type Server, type TLSSocket } from 'node:tls';
import { isIP } from 'node:net';
import { Observable } from 'rxjs';
import type { HeadLimits } from '../../streams/relay/index.js';
import type { Connection } from '../../streams/wire/index.js';
import type { Address } from '../address.js';
import { pinOf } from '../tls/pin.js';
import { connecting } from './connecting.js';
import { boundHandshakes } from './handshakes.js';
import { accepted, faults, listening, type Listening } from './listening.js';
import { socketConnection } from './socketConnection.js';

/** A private key and the certificate of it, both in PEM; of the certificate the whole chain, where it has one. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/** Who answers at the other end, by what it showed; the handshake proves that it has the key. */
export interface Peer {
  /** The SHA-256 of its public key (SubjectPublicKeyInfo), base64url. */
  readonly pin: string;
  /** Why the authorities of this machine do not vouch for it as the host that was asked for; `undefined`: they do. */
  readonly problem: string | undefined;
}

const SERVER = {
  minVersion: 'TLSv1.3',
  noDelay: true,
  keepAlive: true,
} as const;

/** RFC 9266: `tls-exporter`. */
const BINDING = { label: 'EXPORTER-Channel-Binding', bytes: 32 } as const;

/** A TLS socket as a connection, bound to its channel (RFC 9266), after the handshake. */
export const tlsConnection = (socket: TLSSocket): Connection =>
  socketConnection(socket, {
    channelBinding: socket.exportKeyingMaterial(BINDING.bytes, BINDING.label, Buffer.alloc(0)),
    // It encrypts in its own time: that it still holds something means nothing, 'drain' comes only where it is full.
    isTaken: ({ writableNeedDrain }) => !writableNeedDrain,
    takesAtOnce: false,
  });

/**
 * Listens with TLS 1.3 on an address, as `listenTcp` does without: emits once, when it does. The certificates are a
 * stream: it listens once there is one, and whoever comes later gets the newest. Errors where it cannot listen, where a
 * certificate is none, and with `certificate$`; who fails at the handshake, or takes more than `handshakeTimeout` ms
 * (10 s), is not even a connection. Handshakes that are under way are limited as connections are, apart from them.
 */
export const listenTls = (
  address: Address,
  certificate$: Observable<Certificate>,
  { handshakeTimeout = 10_000, ...limits }: HeadLimits & { readonly handshakeTimeout?: number } = {},
): Observable<Listening> =>
  new Observable((subscriber) => {
    let server: Server | undefined;

    const begin = (certificate: Certificate) => {
      const made = createServer({ ...certificate, ...SERVER, handshakeTimeout });
      server = made;
      const heard = faults();
      boundHandshakes(made, limits, heard.report);
      const connection$ = accepted(made, { event: 'secureConnection', made: tlsConnection }, heard.report);
      return listening(made, address, subscriber, heard, connection$);
    };

    const renewing = certificate$.subscribe({
      next: (certificate) => {
        try {
          if (server === undefined) subscriber.add(begin(certificate));
          else server.setSecureContext({ ...certificate, ...SERVER });
        } catch (error) {
          subscriber.error(error);
        }
      },
      error: (error: unknown) => {
        subscriber.error(error);
      },
    });
    subscriber.add(renewing);
  });

/**
 * Connects with TLS 1.3: emits the connection and completes, as `connectTcp` does. `accept` decides about who answers, and
 * throws where it is not who it should be, before anything is said to it. Errors with `LinkError`, or with what `accept`
 * throws.
 */
export const connectTls = (
  address: Address,
  accept: (peer: Peer) => void,
  timeoutMs = 10_000,
): Observable<Connection> =>
  connecting({
    address,
    timeoutMs,
    open: () =>
      connectSocket({
        ...address,
        ...(isIP(address.host) === 0 && { servername: address.host }),
        minVersion: 'TLSv1.3',
        // `accept` decides: a pin needs no authority, and an authority does not make up for a wrong pin.
        rejectUnauthorized: false,
      }),
    event: 'secureConnect',
    made: (socket) => {
      socket.setNoDelay(true).setKeepAlive(true);
      accept(peerOf(socket));
      return tlsConnection(socket);
    },
  });

/** Who answers over a TLS socket. */
export const peerOf = (socket: TLSSocket): Peer => {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) throw new TypeError('the relay showed no certificate');
  return {
    pin: pinOf(certificate),
    problem: socket.authorized ? undefined : String(socket.authorizationError),
  };
};
