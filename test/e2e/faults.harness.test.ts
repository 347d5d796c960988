import { afterEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { atEnd, endAll } from './support/endings.js';
import { accountOf, allWell, type Hearing } from './support/faults/account.js';
import { type FaultProxy, startFaultProxy } from './support/faults/faultProxy.js';
import { hear, type Said } from './support/said.js';

afterEach(endAll);

const heard = (...texts: string[]): Hearing => ({
  lines: texts.map((text, at) => ({ position: at + 1, index: 0, text })),
  holes: [],
});

describe('the account', () => {
  const sent = ['a 1', 'a 2', 'b 1', 'b 2'];
  const log = heard(...sent);
  const evidence = { sent, receipted: sent, log, repeatedTokens: 0, listeners: [log] };

  test('finds nothing where all is well', () => {
    expect(accountOf(evidence)).toStrictEqual(allWell(4));
    // What has no receipt may be lost.
    expect(accountOf({ ...evidence, sent: [...sent, 'a 3'] })).toStrictEqual(allWell(5));
  });

  test.each<[string, Partial<typeof evidence>, Partial<ReturnType<typeof accountOf>>]>([
    ['a receipt for nothing', { log: heard('a 1', 'a 2', 'b 1'), listeners: [] }, { lost: 1 }],
    ['a line that was not heard', { listeners: [log, heard('a 1', 'a 2', 'b 1')] }, { lost: 1 }],
    ['a token that is there twice', { repeatedTokens: 1 }, { repeated: 1 }],
    ['a line that is there twice', { log: heard(...sent, 'b 2'), listeners: [] }, { repeated: 1 }],
    [
      'an order that is not that of the sender',
      { log: heard('a 2', 'a 1', 'b 1', 'b 2'), listeners: [] },
      { outOfOrder: 1 },
    ],
    ['another order than in the log', { listeners: [heard('a 1', 'b 1', 'a 2', 'b 2')] }, { outOfOrder: 2 }],
    [
      'an order that is that of the log, backwards',
      { listeners: [{ ...log, lines: [...log.lines.slice(2), ...log.lines.slice(0, 2)] }] },
      { outOfOrder: 1 },
    ],
    [
      'a hole that was told',
      { listeners: [{ lines: log.lines.slice(2), holes: [{ from: 1, to: 2 }] }] },
      { holes: 1 },
    ],
    [
      'a hole that is larger than what was told',
      { listeners: [{ lines: log.lines.slice(2), holes: [{ from: 1, to: 1 }] }] },
      { holes: 1, lost: 1 },
    ],
  ])('finds %s', (_, changed, found) => {
    expect(accountOf({ ...evidence, ...changed })).toStrictEqual({ ...allWell(4), ...found });
  });

  test('takes nothing that nobody said', () => {
    expect(() => accountOf({ ...evidence, listeners: [heard('c 1')] })).toThrow('nobody said "c 1"');
  });
});

interface Ends {
  readonly proxy: FaultProxy;
  readonly client: Socket;
  readonly relay: Socket;
  readonly atClient: Said;
  readonly atRelay: Said;
}

const ends = async (): Promise<Ends> => {
  const server = createServer({ noDelay: true, allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  atEnd(() => server.close());
  const proxy = await startFaultProxy((server.address() as AddressInfo).port);
  const client = connect({ port: proxy.port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
  const [relay] = (await once(server, 'connection')) as [Socket];
  atEnd(() => {
    client.destroy();
    relay.destroy();
  });
  return { proxy, client, relay, atClient: hear(client), atRelay: hear(relay) };
};

const lineOf = (text: string) => (said: Said) => said.lines.includes(text);
const failure = async (socket: Socket): Promise<unknown> =>
  ((await once(socket, 'error')) as [NodeJS.ErrnoException])[0].code;

describe('the proxy', () => {
  test('passes everything on, the end too', async () => {
    const { client, relay, atClient, atRelay } = await ends();
    client.end('up\n');
    await atRelay.until(lineOf('up'));
    await atRelay.until(({ ended }) => ended);
    relay.end('down\n');
    await atClient.until(lineOf('down'));
  });

  test.each<[string, (proxy: FaultProxy) => void, number]>([
    ['one byte at a time', (proxy) => proxy.oneByteAtATime(true), 0],
    ['cut in two', (proxy) => proxy.ragged(true), 0],
    ['late', (proxy) => proxy.latency(50), 49],
    ['slowly', (proxy) => proxy.bandwidth(200), 99],
  ])('passes everything on %s', async (_, set, atLeast) => {
    const { proxy, client, relay, atClient, atRelay } = await ends();
    set(proxy);
    const began = performance.now();
    client.write('several words\nand more\n');
    relay.write('an answer\n');
    await Promise.all([atRelay.until(lineOf('and more')), atClient.until(lineOf('an answer'))]);
    expect(atRelay.text).toBe('several words\nand more\n');
    expect(performance.now() - began).toBeGreaterThan(atLeast);
  });

  test('cuts in two what comes at once, each time elsewhere', async () => {
    const { proxy, client, relay } = await ends();
    proxy.ragged(true);
    const chunks: number[] = [];
    let length = 0;
    const all = new Promise<void>((resolve) => {
      relay.on('data', (chunk: Buffer) => {
        chunks.push(chunk.length);
        length += chunk.length;
        if (length % 1000 === 0) client.write(Buffer.alloc(1000));
        if (length === 20_000) resolve();
      });
    });
    client.write(Buffer.alloc(1000));
    await all;
    // Two that come close to each other are read as one.
    expect(new Set(chunks).size).toBeGreaterThan(2);
  });

  test('holds what comes one way while that is frozen, and only that', async () => {
    const { proxy, client, relay, atClient, atRelay } = await ends();
    proxy.freeze('up');
    client.write('held\n');
    relay.write('passes\n');
    await atClient.until(lineOf('passes'));
    expect(atRelay.text).toBe('');
    proxy.thaw();
    await atRelay.until(lineOf('held'));
  });

  test('resets both sides', async () => {
    const { proxy, client, relay } = await ends();
    const failures = Promise.all([failure(client), failure(relay)]);
    proxy.reset();
    expect(await failures).toStrictEqual(['ECONNRESET', 'ECONNRESET']);
    expect(proxy.links).toStrictEqual([]);
  });

  test('resets in the middle of a line', async () => {
    const { proxy, client, relay, atRelay } = await ends();
    // Node takes a RST that comes with data for an end.
    relay.on('error', () => undefined).on('end', () => relay.destroy());
    const failed = failure(client);
    proxy.cutMidLine('up');
    client.write('one\ntwo and three\n');
    expect(await failed).toBe('ECONNRESET');
    await atRelay.until(({ ended }) => ended);
    expect(atRelay.text).toMatch(/^one\ntwo/);
    expect(atRelay.text).not.toMatch(/three\n$/);
  });

  test('says nothing to anybody about a link that is half open, and makes others', async () => {
    const { proxy, client, relay, atRelay } = await ends();
    proxy.halfOpen();
    client.end('lost\n');
    relay.write('lost too\n');
    const other = connect({ port: proxy.port, host: '127.0.0.1' });
    atEnd(() => other.destroy());
    await once(other, 'connect');
    await proxy.linked(2);
    expect([relay.destroyed, atRelay.text, atRelay.ended]).toStrictEqual([false, '', false]);
  });

  test('refuses connections, and takes them again', async () => {
    const { proxy, client, atRelay } = await ends();
    await proxy.refuse();
    expect(await failure(connect(proxy.port, '127.0.0.1'))).toBe('ECONNREFUSED');
    client.write('goes on\n');
    await atRelay.until(lineOf('goes on'));
    await proxy.accept();
    const other = connect({ port: proxy.port, host: '127.0.0.1' });
    atEnd(() => other.destroy());
    await once(other, 'connect');
  });
});
