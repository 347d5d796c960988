import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { firstValueFrom, map, type Subscription, switchMap } from 'rxjs';
import type { Address } from '../../src/address.js';
import { connectTcp, listenTcp } from '../../src/transport/tcp.js';
import { LinkError } from '../../streams/wire/errors.js';
import { encodeText } from '../../streams/wire/utf8.js';
import { listen } from './ear.js';

const LOOPBACK = { host: '127.0.0.1', port: 0 };

const ipv6 = Object.values(networkInterfaces())
  .flat()
  .some((each) => each?.address === '::1');
if (!ipv6) console.warn('SKIPPED: this machine has no ::1, so nothing was said over IPv6');

afterEach(() => {
  jest.useRealTimers();
});

/** An address of this machine where nothing listens: one that was just given up. */
const deserted = async (): Promise<Address> => {
  const server = createServer().listen(LOOPBACK);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return { ...LOOPBACK, port };
};

describe('connectTcp', () => {
  test('where nothing listens errors with a LinkError that names the address', async () => {
    const address = await deserted();
    const error = new LinkError(
      `cannot reach 127.0.0.1:${address.port}: connection refused, nothing listens there`,
    );
    await expect(firstValueFrom(connectTcp(address))).rejects.toStrictEqual(error);
  });

  test('that takes too long gives up', () => {
    jest.useFakeTimers();
    const errors: unknown[] = [];
    const connecting = connectTcp({ host: '127.0.0.1', port: 9 }).subscribe({
      error: (error: unknown) => errors.push(error),
    });
    jest.advanceTimersByTime(9999);
    expect(errors).toStrictEqual([]);
    jest.advanceTimersByTime(1);
    expect(errors).toStrictEqual([new LinkError('cannot reach 127.0.0.1:9: no answer within 10000 ms')]);
    expect(connecting.closed).toBe(true);
    expect(jest.getTimerCount()).toBe(0);
  });

  test('that is unsubscribed while it connects never does', async () => {
    const server = createServer().listen(LOOPBACK);
    await once(server, 'listening');
    const address = { ...LOOPBACK, port: (server.address() as AddressInfo).port };
    const accepted: Socket[] = [];
    server.on('connection', (each) => accepted.push(each));

    const seen: unknown[] = [];
    connectTcp(address)
      .subscribe((connection) => seen.push(connection))
      .unsubscribe();
    // Later than the one that was given up, so that it would have come first.
    const connection = await firstValueFrom(connectTcp(address));
    const ear = listen(connection);
    if (accepted.length === 0) await once(server, 'connection');
    expect(accepted).toHaveLength(1);
    expect(seen).toStrictEqual([]);
    accepted[0]!.end();
    await ear.ended;
    server.close();
  });

  test('gives its connection once and completes, and leaves it to who got it', async () => {
    const server = createServer((each) => each.end('hello')).listen(LOOPBACK);
    await once(server, 'listening');
    const address = { ...LOOPBACK, port: (server.address() as AddressInfo).port };
    const events: string[] = [];
    await new Promise<void>((resolve, reject) => {
      const connecting = connectTcp(address).subscribe({
        next: (connection) => {
          events.push(connection.peer);
          const ear = listen(connection);
          void ear.ended.then(() => {
            events.push(String(ear.bytes()));
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
  /** Listens until it is told to stop. */
  const ear = async (address: Address = LOOPBACK) => {
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

  test('tells the port that was picked, and gives each connection', async () => {
    const { address, stop } = await ear();
    expect(address.port).toBeGreaterThan(0);
    const heard = [1, 2, 3].map(async () => {
      const one = listen(await firstValueFrom(connectTcp(address)));
      await one.ended;
      return String(one.bytes());
    });
    expect(await Promise.all(heard)).toStrictEqual(['hello', 'hello', 'hello']);
    stop();
  });

  test('errors where the port is in use', async () => {
    const { address, stop } = await ear();
    await expect(ear(address)).rejects.toMatchObject({ code: 'EADDRINUSE' });
    stop();
  });

  test('accepts no more once it is unsubscribed', async () => {
    const { address, stop } = await ear();
    stop();
    await expect(firstValueFrom(connectTcp(address))).rejects.toBeInstanceOf(LinkError);
  });

  test('that is unsubscribed before it listens never does', async () => {
    const address = await deserted();
    listenTcp(address).subscribe().unsubscribe();
    const { stop } = await ear();
    await expect(firstValueFrom(connectTcp(address))).rejects.toBeInstanceOf(LinkError);
    stop();
  });

  test('goes on when a connection is reset at once', async () => {
    const { address, stop } = await ear();
    const rude = connect(address.port, address.host);
    await once(rude, 'connect');
    rude.resetAndDestroy();
    const one = listen(await firstValueFrom(connectTcp(address)));
    await one.ended;
    expect(String(one.bytes())).toBe('hello');
    stop();
  });

  (ipv6 ? test : test.skip)('speaks IPv6, and writes its addresses in brackets', async () => {
    const { address, stop } = await ear({ host: '::1', port: 0 });
    const connection = await firstValueFrom(connectTcp(address));
    expect(connection.peer).toBe(`[::1]:${address.port}`);
    await listen(connection).ended;
    stop();
  });
});
