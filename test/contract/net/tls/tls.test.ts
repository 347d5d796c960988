import { once } from 'node:events';
import { connect as connectSocket, createServer as createPlain, type Socket } from 'node:net';
import { connect as connectWithTls, createServer, type TLSSocket } from 'node:tls';
import { afterEach, describe, expect, test } from '@jest/globals';
import { firstValueFrom, map, type Observable, of, Subject, switchMap } from 'rxjs';
import type { Address } from '../../../../src/util/address.js';
import {
  type Certificate,
  computePin,
  parseLeaf,
  type PeerCertificate,
} from '../../../../src/net/tls/certificate.js';
import { connectTls, listenTls } from '../../../../src/net/tls/tls.js';
import { connectTcp } from '../../../../src/net/tcp.js';
import type { Connection } from '../../../../streams/wire/connection.js';
import { ConnectionError } from '../../../../streams/wire/errors.js';
import { encodeText } from '../../../../streams/wire/encoding.js';
import { newCertificate, testCertificate } from '../../../support/certificates.js';
import { record } from '../../../support/recorder.js';

const LOOPBACK = { host: '127.0.0.1', port: 0 };
const anybody = () => undefined;

const cleanups: (() => unknown)[] = [];
afterEach(() => {
  for (const end of cleanups.splice(0)) end();
});

type LimitsOfTls = Parameters<typeof listenTls> extends [unknown, unknown, ...infer Rest] ? Rest : never;

/** A TLS listener and its connections. */
const recorder = async (certificate$: Observable<Certificate>, ...limits: LimitsOfTls) => {
  const far: Connection[] = [];
  const address = await new Promise<Address>((resolve, reject) => {
    const subscription = listenTls(LOOPBACK, certificate$, ...limits)
      .pipe(
        switchMap(({ address, connection$ }) => {
          resolve(address);
          return connection$;
        }),
        map((connection) => {
          far.push(connection);
          connection.write(encodeText('hello'));
        }),
      )
      .subscribe({ error: reject });
    cleanups.push(() => {
      subscription.unsubscribe();
      for (const each of far) each.close();
    });
  });
  return { address, far };
};

const connectTo = async (
  address: Address,
  accept: (peer: PeerCertificate) => void = anybody,
): Promise<Connection> => {
  const near = await firstValueFrom(connectTls(address, accept));
  cleanups.push(() => {
    near.close();
  });
  const one = record(near);
  await one.received(5);
  expect(String(one.bytes())).toBe('hello');
  return near;
};

/** The address of a foreign server. */
const portOf = async (server: { listen(port: number, host: string): unknown; address(): unknown }) => {
  server.listen(0, LOOPBACK.host);
  await once(server as never, 'listening');
  return { ...LOOPBACK, port: (server.address() as { port: number }).port };
};

describe('a connection over TLS', () => {
  test('is bound to its channel: both ends have the same 32 bytes, and no other connection has', async () => {
    const { address, far } = await recorder(of(await testCertificate()));
    const near = [await connectTo(address), await connectTo(address)];
    const text = ({ channelBinding }: Connection) => Buffer.from(channelBinding).toString('hex');
    expect(near.map(text)).toStrictEqual(far.map(text));
    expect(new Set(near.map(text)).size).toBe(2);
    expect(text(near[0]!)).toMatch(/^[0-9a-f]{64}$/);
  });

  test('has the exporter of RFC 9266 as its binding', async () => {
    const { address, far } = await recorder(of(await testCertificate()));
    const socket = connectWithTls({ ...address, rejectUnauthorized: false });
    cleanups.push(() => socket.destroy());
    await once(socket, 'data');
    const own = socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0));
    expect(Buffer.from(far[0]!.channelBinding)).toStrictEqual(own);
  });
});

describe('listenTls', () => {
  test('shows the newest certificate to new clients, and keeps existing connections', async () => {
    const [first, second] = [await newCertificate(), await newCertificate()];
    const certificate$ = new Subject<Certificate>();
    const listening = recorder(certificate$);
    certificate$.next(first);
    const { address, far } = await listening;
    const seen: string[] = [];
    const see = ({ pin }: PeerCertificate) => void seen.push(pin);
    const near = await connectTo(address, see);
    certificate$.next(second);
    await connectTo(address, see);
    expect(seen).toStrictEqual([first, second].map((each) => computePin(parseLeaf(each, ''))));
    const one = record(far[0]!);
    near.write(encodeText('still here'));
    await one.received(10);
    expect(String(one.bytes())).toBe('still here');
  });

  test('errors with an invalid certificate', async () => {
    await expect(recorder(of({ key: 'x', cert: 'x' }))).rejects.toMatchObject({ library: 'PEM routines' });
  });

  test('accepts TLS 1.3 and no older version', async () => {
    const { address, far } = await recorder(of(await testCertificate()));
    const old = connectWithTls({ ...address, rejectUnauthorized: false, maxVersion: 'TLSv1.2' });
    cleanups.push(() => old.destroy());
    const [error] = (await once(old, 'error').catch((failure: unknown) => [failure])) as [{ code?: string }];
    expect(error.code).toBe('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
    expect([await versionOf(address), far.length]).toStrictEqual(['TLSv1.3', 1]);
  });

  test.each([
    ['plaintext', (socket: Socket) => socket.write('NICK alice\n')],
    [
      'rubbish',
      (socket: Socket) =>
        socket.write(Buffer.concat([Buffer.from([22, 3, 1, 0xff, 0xff]), Buffer.alloc(400, 7)])),
    ],
    ['a reset', (socket: Socket) => socket.resetAndDestroy()],
  ])('continues after a client has sent %s', async (_, speak) => {
    const { address, far } = await recorder(of(await testCertificate()));
    const rude = connectSocket(address);
    const closed = new Promise((resolve) => rude.on('error', anybody).once('close', resolve));
    await once(rude, 'connect');
    rude.resume();
    speak(rude);
    await closed;
    await connectTo(address);
    expect(far).toHaveLength(1);
  });
});

const versionOf = async (address: Address): Promise<string | null> => {
  const socket: TLSSocket = connectWithTls({ ...address, rejectUnauthorized: false });
  cleanups.push(() => socket.destroy());
  await once(socket, 'data');
  return socket.getProtocol();
};

describe('connectTls', () => {
  test('verifies the server before it sends anything, and sends nothing when that throws', async () => {
    const server = createServer({ ...(await testCertificate()), minVersion: 'TLSv1.3' });
    cleanups.push(() => server.close());
    const received: Buffer[] = [];
    server.on('secureConnection', (socket) => {
      socket.on('data', (chunk: Buffer) => received.push(chunk)).on('error', anybody);
    });
    const gone = new Promise((resolve) => {
      server.once('connection', (socket: Socket) => void socket.once('close', resolve));
    });
    const address = await portOf(server);
    const refusal = new Error('not who it should be');
    const refuse = () => {
      throw refusal;
    };
    await expect(firstValueFrom(connectTls(address, refuse))).rejects.toBe(refusal);
    await gone;
    expect(received).toStrictEqual([]);
  });

  test('reports the pin of the key, and that no authority vouches for it', async () => {
    const certificate = await testCertificate();
    const { address } = await recorder(of(certificate));
    const seen: PeerCertificate[] = [];
    await connectTo(address, (peer) => void seen.push(peer));
    expect(seen).toStrictEqual([
      { pin: computePin(parseLeaf(certificate, '')), problem: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
    ]);
  });

  test('reports that a relay does not use TLS', async () => {
    const server = createPlain((socket) => {
      cleanups.push(() => socket.destroy());
      socket.on('error', anybody).write('NICK rxchat/1 nonce=AAAA\n');
    });
    cleanups.push(() => server.close());
    const address = await portOf(server);
    await expect(firstValueFrom(connectTls(address, anybody))).rejects.toStrictEqual(
      new ConnectionError(`cannot reach 127.0.0.1:${address.port}: it does not speak TLS`),
    );
  });

  test('reports that a relay uses an older version of TLS', async () => {
    const server = createServer({ ...(await testCertificate()), maxVersion: 'TLSv1.2' });
    cleanups.push(() => server.close());
    const address = await portOf(server);
    await expect(firstValueFrom(connectTls(address, anybody))).rejects.toStrictEqual(
      new ConnectionError(`cannot reach 127.0.0.1:${address.port}: it does not speak TLS 1.3`),
    );
  });

  test('times out when a relay accepts and stays silent', async () => {
    const server = createPlain((socket) => void cleanups.push(() => socket.destroy()));
    cleanups.push(() => server.close());
    const address = await portOf(server);
    await expect(firstValueFrom(connectTls(address, anybody, 50))).rejects.toStrictEqual(
      new ConnectionError(`cannot reach 127.0.0.1:${address.port}: no answer within 50 ms`),
    );
  });

  test('errors with a ConnectionError when nothing listens or the other end hangs up', async () => {
    const server = createPlain((socket) => socket.destroy());
    const address = await portOf(server);
    await expect(firstValueFrom(connectTls(address, anybody))).rejects.toBeInstanceOf(ConnectionError);
    server.close();
    await expect(firstValueFrom(connectTls(address, anybody))).rejects.toBeInstanceOf(ConnectionError);
    await expect(firstValueFrom(connectTcp(address))).rejects.toBeInstanceOf(ConnectionError);
  });

  test('hangs up when it is unsubscribed before it is connected', async () => {
    let gone: Promise<unknown> | undefined;
    const server = createPlain((socket) => {
      gone = new Promise((resolve) => socket.resume().on('error', anybody).once('close', resolve));
    });
    cleanups.push(() => server.close());
    const address = await portOf(server);
    const subscription = connectTls(address, anybody).subscribe({ error: anybody });
    await once(server, 'connection');
    subscription.unsubscribe();
    await gone;
  });
});

describe('an unfinished TLS handshake', () => {
  /** Connects and sends nothing, or bytes that are not TLS; resolves once connected, with the way it ends. */
  const press = async ({ host, port }: Address, text = '') => {
    const socket = connectSocket({ host, port });
    cleanups.push(() => socket.destroy());
    socket.on('error', () => undefined).resume();
    const closed = once(socket, 'close');
    await once(socket, 'connect');
    if (text !== '') socket.write(text);
    return { socket, closed };
  };

  test('is ended after its timeout, and at once when the client does not use TLS', async () => {
    const { address, far } = await recorder(of(await testCertificate()), { handshakeTimeoutMs: 300 });
    const silent = await press(address);
    await (
      await press(address, 'GET / HTTP/1.0\r\n\r\n')
    ).closed;
    await silent.closed;
    await connectTo(address);
    expect(far).toHaveLength(1);
  });

  test('counts toward the limit of its address: an excess connection is closed, and the next is accepted when there is room', async () => {
    const limits = { maxConnectionsPerAddress: 2, handshakeTimeoutMs: 60_000 };
    const { address, far } = await recorder(of(await testCertificate()), limits);
    const [one] = [await press(address), await press(address)];
    await (
      await press(address)
    ).closed;
    one.socket.destroy();
    await one.closed;
    // A finished handshake does not count here any more.
    const tries = async (): Promise<unknown> => connectTo(address).catch(tries);
    await tries();
    await tries();
    expect(far).toHaveLength(2);
  });
});
