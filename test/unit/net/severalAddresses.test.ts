import type { LookupAddress, LookupOptions } from 'node:dns';
import { firstValueFrom, merge, type Observable, of, switchMap, take } from 'rxjs';
import { expect, test } from '@jest/globals';
import type { Listener } from '../../../src/net/listener.js';
import { connectTcp, listenTcp } from '../../../src/net/tcp.js';
import { connectTls, listenTls } from '../../../src/net/tls/tls.js';
import type { Address } from '../../../src/util/address.js';
import type { Connection } from '../../../streams/wire/index.js';
import { testCertificate } from '../../support/certificates.js';

type LookupCallback = (error: null, addresses: readonly LookupAddress[]) => void;

/** Returns the address of a name with several IP addresses, in this order. A socket takes the lookup from it. */
const nameOf = (port: number, ...hosts: readonly string[]): Address => {
  const lookup = (_name: string, _options: LookupOptions, answer: LookupCallback) => {
    answer(
      null,
      hosts.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  };
  const named = { host: 'relays.example', port, lookup };
  return named;
};

/** Listens on 127.0.0.1, connects to its port at the name, and resolves with the address that accepted. */
const peerOf = (
  listener$: Observable<Listener>,
  connect: (address: Address) => Observable<Connection>,
  ...hosts: readonly string[]
): Promise<string> =>
  firstValueFrom(
    listener$.pipe(
      switchMap(({ address, connection$ }) =>
        merge(
          connection$.pipe(switchMap(() => [])),
          connect(nameOf(address.port, ...hosts)).pipe(
            switchMap((connection) => {
              connection.close();
              return of(connection.peer.replace(/:\d+$/, ''));
            }),
          ),
        ),
      ),
      take(1),
    ),
  );

const listener$ = listenTcp({ host: '127.0.0.1', port: 0 });

test('a name with several addresses: all are tried in turn until one accepts', async () => {
  for (const hosts of [
    ['127.0.0.2', '127.0.0.1'],
    ['127.0.0.2', '127.0.0.3', '127.0.0.1'],
    ['::1', '127.0.0.1'],
  ])
    expect(await peerOf(listener$, connectTcp, ...hosts)).toBe('127.0.0.1');
});

test('a name with several addresses: all are tried with TLS, too', async () => {
  const certificate = await testCertificate();
  const secure$ = listenTls({ host: '127.0.0.1', port: 0 }, of(certificate));
  const connect = (address: Address) => connectTls(address, () => undefined);
  expect(await peerOf(secure$, connect, '127.0.0.2', '127.0.0.1')).toBe('127.0.0.1');
});

test('a name with several addresses: the error is a line with a reason if none accepts', async () => {
  await expect(peerOf(listener$, connectTcp, '127.0.0.2', '127.0.0.3')).rejects.toThrow(
    /^cannot reach relays\.example:\d+: connection refused, nothing listens there$/,
  );
});
