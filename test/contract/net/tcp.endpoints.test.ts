import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { firstValueFrom, map, type Subscription, switchMap } from 'rxjs';
import type { Address } from '../../../src/util/address.js';
import { connectTcp, listenTcp } from '../../../src/net/tcp.js';
import { ConnectionError } from '../../../streams/wire/errors.js';
import { encodeText } from '../../../streams/wire/encoding.js';
import { record } from '../../support/recorder.js';

const LOOPBACK = { host: '127.0.0.1', port: 0 };

const ipv6 = Object.values(networkInterfaces())
  .flat()
  .some((each) => each?.address === '::1');
if (!ipv6) console.warn('SKIPPED: this machine has no ::1, so nothing was said over IPv6');

afterEach(() => {
  jest.useRealTimers();
});

/** Returns an address of this machine where nothing listens: one that was just closed. */
const unusedAddress = async (): Promise<Address> => {
  const server = createServer().listen(LOOPBACK);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return { ...LOOPBACK, port };
};

describe('connectTcp', () => {
  test('errors with a ConnectionError that names the address when nothing listens', async () => {
    const address = await unusedAddress();
    const error = new ConnectionError(
      `cannot reach 127.0.0.1:${address.port}: connection refused, nothing listens there`,
    );
    await expect(firstValueFrom(connectTcp(address))).rejects.toStrictEqual(error);
  });

  test('gives up when connecting takes too long', () => {
    jest.useFakeTimers();
    const errors: unknown[] = [];
    const connecting = connectTcp({ host: '127.0.0.1', port: 9 }).subscribe({
      error: (error: unknown) => errors.push(error),
    });
    jest.advanceTimersByTime(9999);
    expect(errors).toStrictEqual([]);
    jest.advanceTimersByTime(1);
    expect(errors).toStrictEqual([
      new ConnectionError('cannot reach 127.0.0.1:9: no answer within 10000 ms'),
    ]);
    expect(connecting.closed).toBe(true);
    expect(jest.getTimerCount()).toBe(0);
  });

  test('does not connect when it is unsubscribed meanwhile', async () => {
    const server = createServer().listen(LOOPBACK);
    await once(server, 'listening');
    const address = { ...LOOPBACK, port: (server.address() as AddressInfo).port };
    const accepted: Socket[] = [];
    server.on('connection', (each) => accepted.push(each));

    const seen: unknown[] = [];
    connectTcp(address)
      .subscribe((connection) => seen.push(connection))
      .unsubscribe();
    // Later than the connection that was given up, which would have come first.
    const connection = await firstValueFrom(connectTcp(address));
    const recorder = record(connection);
    if (accepted.length === 0) await once(server, 'connection');
    expect(accepted).toHaveLength(1);
    expect(seen).toStrictEqual([]);
    accepted[0]!.end();
    await recorder.ended;
    server.close();
  });

  test('emits its connection once, completes, and leaves the connection to the subscriber', async () => {
    const server = createServer((each) => each.end('hello')).listen(LOOPBACK);
    await once(server, 'listening');
    const address = { ...LOOPBACK, port: (server.address() as AddressInfo).port };
    const events: string[] = [];
    await new Promise<void>((resolve, reject) => {
      const connecting = connectTcp(address).subscribe({
        next: (connection) => {
          events.push(connection.peer);
          const recorder = record(connection);
          void recorder.ended.then(() => {
            events.push(String(recorder.bytes()));
            resolve();
          });
        },
        error: reject,
        complete: () => {
          events.push('complete');
          connecting.unsubscribe();
        },
      });
    });
    expect(events).toStrictEqual([`127.0.0.1:${address.port}`, 'complete', 'hello']);
    server.close();
  });
});

describe('listenTcp', () => {
  /** Listens until it is stopped. */
  const listener = async (address: Address = LOOPBACK) => {
    let subscription: Subscription | undefined;
    const listening = await new Promise<Address>((resolve, reject) => {
      subscription = listenTcp(address)
        .pipe(
          switchMap(({ address: bound, connection$ }) => {
            resolve(bound);
            return connection$;
          }),
          map((connection) => {
            connection.write(encodeText('hello'));
            connection.close();
          }),
        )
        .subscribe({ error: reject });
    });
    return { address: listening, stop: () => subscription?.unsubscribe() };
  };

  test('reports the chosen port, and emits each connection', async () => {
    const { address, stop } = await listener();
    expect(address.port).toBeGreaterThan(0);
    const received = [1, 2, 3].map(async () => {
      const one = record(await firstValueFrom(connectTcp(address)));
      await one.ended;
      return String(one.bytes());
    });
    expect(await Promise.all(received)).toStrictEqual(['hello', 'hello', 'hello']);
    stop();
  });

  test('errors when the port is in use', async () => {
    const { address, stop } = await listener();
    await expect(listener(address)).rejects.toMatchObject({ code: 'EADDRINUSE' });
    stop();
  });

  test('accepts no more connections once it is unsubscribed', async () => {
    const { address, stop } = await listener();
    stop();
    await expect(firstValueFrom(connectTcp(address))).rejects.toBeInstanceOf(ConnectionError);
  });

  test('does not listen when it is unsubscribed first', async () => {
    const address = await unusedAddress();
    listenTcp(address).subscribe().unsubscribe();
    const { stop } = await listener();
    await expect(firstValueFrom(connectTcp(address))).rejects.toBeInstanceOf(ConnectionError);
    stop();
  });

  test('continues when a connection is reset at once', async () => {
    const { address, stop } = await listener();
    const rude = connect(address.port, address.host);
    await once(rude, 'connect');
    rude.resetAndDestroy();
    const one = record(await firstValueFrom(connectTcp(address)));
    await one.ended;
    expect(String(one.bytes())).toBe('hello');
    stop();
  });

  (ipv6 ? test : test.skip)('speaks IPv6, and writes its addresses in brackets', async () => {
    const { address, stop } = await listener({ host: '::1', port: 0 });
    const connection = await firstValueFrom(connectTcp(address));
    expect(connection.peer).toBe(`[::1]:${address.port}`);
    await record(connection).ended;
    stop();
  });
});
