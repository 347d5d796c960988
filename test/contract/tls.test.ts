import { once } from 'node:events';
import { connect as connectSocket, createServer as createPlain, type Socket } from 'node:net';
import { connect as connectWithTls, createServer, type TLSSocket } from 'node:tls';
import { afterEach, describe, expect, test } from '@jest/globals';
import { firstValueFrom, map, type Observable, of, Subject, switchMap } from 'rxjs';
import type { Address } from '../../src/address.js';
import { leafOf } from '../../src/tls/certificate.js';
import { pinOf } from '../../src/tls/pin.js';
import { type Certificate, connectTls, listenTls, type Peer } from '../../src/transport/tls.js';
import { connectTcp } from '../../src/transport/tcp.js';
import type { Connection } from '../../streams/wire/connection.js';
import { LinkError } from '../../streams/wire/errors.js';
import { encodeText } from '../../streams/wire/utf8.js';
import { newCertificate, testCertificate } from '../support/certificates.js';
import { listen } from './ear.js';

const LOOPBACK = { host: '127.0.0.1', port: 0 };
const anybody = () => undefined;

const ends: (() => unknown)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

type LimitsOfTls = Parameters<typeof listenTls> extends [unknown, unknown, ...infer Rest] ? Rest : never;

/** A relay's ear, and each connection that came to it. */
const ear = async (certificate$: Observable<Certificate>, ...limits: LimitsOfTls) => {
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
    ends.push(() => {
      subscription.unsubscribe();
      for (const each of far) each.close();
    });
  });
  return { address, far };
};

const reach = async (address: Address, accept: (peer: Peer) => void = anybody): Promise<Connection> => {
  const near = await firstValueFrom(connectTls(address, accept));
  ends.push(() => {
    near.close();
  });
  const one = listen(near);
  await one.heard(5);
  expect(String(one.bytes())).toBe('hello');
  return near;
};

/** What a server that is none of ours is reached by. */
const portOf = async (server: { listen(port: number, host: string): unknown; address(): unknown }) => {
  server.listen(0, LOOPBACK.host);
  await once(server as never, 'listening');
  return { ...LOOPBACK, port: (server.address() as { port: number }).port };
};

describe('a connection over tls', () => {
  test('is bound to its channel: both ends have the same 32 bytes, and no other connection has', async () => {
    const { address, far } = await ear(of(await testCertificate()));
    const near = [await reach(address), await reach(address)];
    const text = ({ channelBinding }: Connection) => Buffer.from(channelBinding).toString('hex');
    expect(near.map(text)).toStrictEqual(far.map(text));
    expect(new Set(near.map(text)).size).toBe(2);
    expect(text(near[0]!)).toMatch(/^[0-9a-f]{64}$/);
  });

  test('has the exporter of RFC 9266 for its binding', async () => {
    const { address, far } = await ear(of(await testCertificate()));
    const socket = connectWithTls({ ...address, rejectUnauthorized: false });
    ends.push(() => socket.destroy());
    await once(socket, 'data');
    const own = socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0));
    expect(Buffer.from(far[0]!.channelBinding)).toStrictEqual(own);
  });
});

describe('listenTls', () => {
  test('shows who comes later the newest certificate, and those who are in stay', async () => {
    const [first, second] = [await newCertificate(), await newCertificate()];
    const certificate$ = new Subject<Certificate>();
    const listening = ear(certificate$);
    certificate$.next(first);
    const { address, far } = await listening;
    const seen: string[] = [];
    const see = ({ pin }: Peer) => void seen.push(pin);
    const near = await reach(address, see);
    certificate$.next(second);
    await reach(address, see);
    expect(seen).toStrictEqual([first, second].map((each) => pinOf(leafOf(each, ''))));
    const one = listen(far[0]!);
    near.write(encodeText('still here'));
    await one.heard(10);
    expect(String(one.bytes())).toBe('still here');
  });

  test('errors with a certificate that is none', async () => {
    await expect(ear(of({ key: 'x', cert: 'x' }))).rejects.toMatchObject({ library: 'PEM routines' });
  });

  test('speaks TLS 1.3 and nothing older', async () => {
    const { address, far } = await ear(of(await testCertificate()));
    const old = connectWithTls({ ...address, rejectUnauthorized: false, maxVersion: 'TLSv1.2' });
    ends.push(() => old.destroy());
    const [error] = (await once(old, 'error').catch((failure: unknown) => [failure])) as [{ code?: string }];
    expect(error.code).toBe('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
    expect([await versionOf(address), far.length]).toStrictEqual(['TLSv1.3', 1]);
  });

  test.each([
    ['in the clear', (socket: Socket) => socket.write('NICK alice\n')],
    [
      'rubbish',
      (socket: Socket) =>
        socket.write(Buffer.concat([Buffer.from([22, 3, 1, 0xff, 0xff]), Buffer.alloc(400, 7)])),
    ],
    ['nothing, by a reset', (socket: Socket) => socket.resetAndDestroy()],
  ])('goes on after somebody spoke %s', async (_, speak) => {
    const { address, far } = await ear(of(await testCertificate()));
    const rude = connectSocket(address);
    const closed = new Promise((resolve) => rude.on('error', anybody).once('close', resolve));
    await once(rude, 'connect');
    rude.resume();
    speak(rude);
    await closed;
    await reach(address);
    expect(far).toHaveLength(1);
  });
});

const versionOf = async (address: Address): Promise<string | null> => {
  const socket: TLSSocket = connectWithTls({ ...address, rejectUnauthorized: false });
  ends.push(() => socket.destroy());
  await once(socket, 'data');
  return socket.getProtocol();
};

describe('connectTls', () => {
  test('asks who answered before anything is said, and says nothing where that throws', async () => {
    const server = createServer({ ...(await testCertificate()), minVersion: 'TLSv1.3' });
    ends.push(() => server.close());
    const heard: Buffer[] = [];
    server.on('secureConnection', (socket) => {
      socket.on('data', (chunk: Buffer) => heard.push(chunk)).on('error', anybody);
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
    expect(heard).toStrictEqual([]);
  });

  test('tells the pin of the key, and that nobody vouches for it', async () => {
    const certificate = await testCertificate();
    const { address } = await ear(of(certificate));
    const seen: Peer[] = [];
    await reach(address, (peer) => void seen.push(peer));
    expect(seen).toStrictEqual([
      { pin: pinOf(leafOf(certificate, '')), problem: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
    ]);
  });

  test('says in words that a relay does not speak TLS', async () => {
    const server = createPlain((socket) => {
      ends.push(() => socket.destroy());
      socket.on('error', anybody).write('NICK rxchat/1 nonce=AAAA\n');
    });
    ends.push(() => server.close());
    const address = await portOf(server);
    await expect(firstValueFrom(connectTls(address, anybody))).rejects.toStrictEqual(
      new LinkError(`cannot reach 127.0.0.1:${address.port}: it does not speak TLS`),
    );
  });

  test('says in words that a relay speaks an older one', async () => {
    const server = createServer({ ...(await testCertificate()), maxVersion: 'TLSv1.2' });
    ends.push(() => server.close());
    const address = await portOf(server);
    await expect(firstValueFrom(connectTls(address, anybody))).rejects.toStrictEqual(
      new LinkError(`cannot reach 127.0.0.1:${address.port}: it does not speak TLS 1.3`),
    );
  });

  test('gives up in time where a relay accepts and says nothing', async () => {
    const server = createPlain((socket) => void ends.push(() => socket.destroy()));
    ends.push(() => server.close());
    const address = await portOf(server);
    await expect(firstValueFrom(connectTls(address, anybody, 50))).rejects.toStrictEqual(
      new LinkError(`cannot reach 127.0.0.1:${address.port}: no answer within 50 ms`),
    );
  });

  test('errors with a LinkError where nothing listens, and where the other end hangs up', async () => {
    const server = createPlain((socket) => socket.destroy());
    const address = await portOf(server);
    await expect(firstValueFrom(connectTls(address, anybody))).rejects.toBeInstanceOf(LinkError);
    server.close();
    await expect(firstValueFrom(connectTls(address, anybody))).rejects.toBeInstanceOf(LinkError);
    await expect(firstValueFrom(connectTcp(address))).rejects.toBeInstanceOf(LinkError);
  });

  test('that is unsubscribed before it is connected hangs up', async () => {
    let gone: Promise<unknown> | undefined;
    const server = createPlain((socket) => {
      gone = new Promise((resolve) => socket.resume().on('error', anybody).once('close', resolve));
    });
    ends.push(() => server.close());
    const address = await portOf(server);
    const subscription = connectTls(address, anybody).subscribe({ error: anybody });
    await once(server, 'connection');
    subscription.unsubscribe();
    await gone;
  });
});

describe('a handshake that is not over', () => {
  /** Connects and says nothing, or what is no TLS; resolves once it is in, with how it ends. */
  const press = async ({ host, port }: Address, text = '') => {
    const socket = connectSocket({ host, port });
    ends.push(() => socket.destroy());
    socket.on('error', () => undefined).resume();
    const closed = once(socket, 'close');
    await once(socket, 'connect');
    if (text !== '') socket.write(text);
    return { socket, closed };
  };

  test('is ended after its time, and at once where it is no TLS', async () => {
    const { address, far } = await ear(of(await testCertificate()), { handshakeTimeout: 300 });
    const silent = await press(address);
    await (
      await press(address, 'GET / HTTP/1.0\r\n\r\n')
    ).closed;
    await silent.closed;
    await reach(address);
    expect(far).toHaveLength(1);
  });

  test('counts by its address while it lasts: one too many is closed, and the next comes in once there is room', async () => {
    const limits = { connectionsPerAddress: 2, handshakeTimeout: 60_000 };
    const { address, far } = await ear(of(await testCertificate()), limits);
    const [one] = [await press(address), await press(address)];
    await (
      await press(address)
    ).closed;
    one.socket.destroy();
    await one.closed;
    // Who is through with it does not count here any more.
    const tries = async (): Promise<unknown> => reach(address).catch(tries);
    await tries();
    await tries();
    expect(far).toHaveLength(2);
  });
});
