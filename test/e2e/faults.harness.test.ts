import { afterEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { start } from './support/child.js';
import { onCleanup, cleanUp } from './support/cleanup.js';
import { deliveryReport, allDelivered, type ListenerOutput } from './support/faults/deliveryReport.js';
import { type FaultProxy, startFaultProxy } from './support/faults/faultProxy.js';
import { readStream, type StreamOutput } from './support/streamOutput.js';

afterEach(cleanUp);

const receivedBy = (...texts: string[]): ListenerOutput => ({
  lines: texts.map((text, at) => ({ position: at + 1, index: 0, text })),
  gaps: [],
});

describe('the fault account', () => {
  const sent = ['a 1', 'a 2', 'b 1', 'b 2'];
  const log = receivedBy(...sent);
  const evidence = { sent, receipted: sent, log, repeatedTokens: 0, listeners: [log] };

  test('reports nothing when all messages are correct', () => {
    expect(deliveryReport(evidence)).toStrictEqual(allDelivered(4));
    // A line without a receipt may be lost.
    expect(deliveryReport({ ...evidence, sent: [...sent, 'a 3'] })).toStrictEqual(allDelivered(5));
  });

  test.each<[string, Partial<typeof evidence>, Partial<ReturnType<typeof deliveryReport>>]>([
    [
      'a receipt for a line that is not in the log',
      { log: receivedBy('a 1', 'a 2', 'b 1'), listeners: [] },
      { lost: 1 },
    ],
    ['a line that a listener missed', { listeners: [log, receivedBy('a 1', 'a 2', 'b 1')] }, { lost: 1 }],
    ['a repeated token', { repeatedTokens: 1 }, { repeated: 1 }],
    ['a repeated line', { log: receivedBy(...sent, 'b 2'), listeners: [] }, { repeated: 1 }],
    [
      'an order that is not that of the sender',
      { log: receivedBy('a 2', 'a 1', 'b 1', 'b 2'), listeners: [] },
      { outOfOrder: 1 },
    ],
    [
      'another order than in the log',
      { listeners: [receivedBy('a 1', 'b 1', 'a 2', 'b 2')] },
      { outOfOrder: 2 },
    ],
    [
      'an order that is that of the log, backwards',
      { listeners: [{ ...log, lines: [...log.lines.slice(2), ...log.lines.slice(0, 2)] }] },
      { outOfOrder: 1 },
    ],
    [
      'a reported hole',
      { listeners: [{ lines: log.lines.slice(2), gaps: [{ from: 1, to: 2 }] }] },
      { holes: 1 },
    ],
    [
      'a hole that is larger than reported',
      { listeners: [{ lines: log.lines.slice(2), gaps: [{ from: 1, to: 1 }] }] },
      { holes: 1, lost: 1 },
    ],
  ])('reports %s', (_, changed, found) => {
    expect(deliveryReport({ ...evidence, ...changed })).toStrictEqual({ ...allDelivered(4), ...found });
  });

  test('does not count a line that nobody sent', () => {
    expect(() => deliveryReport({ ...evidence, listeners: [receivedBy('c 1')] })).toThrow(
      'nobody said "c 1"',
    );
  });
});

interface Ends {
  readonly proxy: FaultProxy;
  readonly client: Socket;
  readonly relay: Socket;
  readonly atClient: StreamOutput;
  readonly atRelay: StreamOutput;
}

const ends = async (): Promise<Ends> => {
  const server = createServer({ noDelay: true, allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onCleanup(() => server.close());
  const proxy = await startFaultProxy((server.address() as AddressInfo).port);
  const client = connect({ port: proxy.port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
  const [relay] = (await once(server, 'connection')) as [Socket];
  onCleanup(() => {
    client.destroy();
    relay.destroy();
  });
  return { proxy, client, relay, atClient: readStream(client), atRelay: readStream(relay) };
};

const lineOf = (text: string) => (output: StreamOutput) => output.lines.includes(text);
const failure = async (socket: Socket): Promise<unknown> =>
  ((await once(socket, 'error')) as [NodeJS.ErrnoException])[0].code;

describe('the fault proxy', () => {
  test('passes all bytes and the end on', async () => {
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
  ])('passes all bytes on %s', async (_, set, atLeast) => {
    const { proxy, client, relay, atClient, atRelay } = await ends();
    set(proxy);
    const began = performance.now();
    client.write('several words\nand more\n');
    relay.write('an answer\n');
    await Promise.all([atRelay.until(lineOf('and more')), atClient.until(lineOf('an answer'))]);
    expect(atRelay.text).toBe('several words\nand more\n');
    expect(performance.now() - began).toBeGreaterThan(atLeast);
  });

  test('splits each chunk at varying places', async () => {
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
    // Two chunks close together are read as one.
    expect(new Set(chunks).size).toBeGreaterThan(2);
  });

  test('holds the bytes of a frozen direction, and no others', async () => {
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

  test('resets both sides in the middle of a line', async () => {
    const { proxy, client, relay, atRelay } = await ends();
    // Node treats a RST that arrives with data as an end.
    relay.on('error', () => undefined).on('end', () => relay.destroy());
    const failed = failure(client);
    proxy.cutMidLine('up');
    client.write('one\ntwo and three\n');
    expect(await failed).toBe('ECONNRESET');
    await atRelay.until(({ ended }) => ended);
    expect(atRelay.text).toMatch(/^one\ntwo/);
    expect(atRelay.text).not.toMatch(/three\n$/);
  });

  test('reports nothing about a half-open connection, and accepts others', async () => {
    const { proxy, client, relay, atRelay } = await ends();
    proxy.halfOpen();
    client.end('lost\n');
    relay.write('lost too\n');
    const other = connect({ port: proxy.port, host: '127.0.0.1' });
    onCleanup(() => other.destroy());
    await once(other, 'connect');
    await proxy.waitForLinks(2);
    expect([relay.destroyed, atRelay.text, atRelay.ended]).toStrictEqual([false, '', false]);
  });

  test('refuses connections, and accepts them again', async () => {
    const { proxy, client, atRelay } = await ends();
    await proxy.stopListening();
    expect(await failure(connect(proxy.port, '127.0.0.1'))).toBe('ECONNREFUSED');
    client.write('goes on\n');
    await atRelay.until(lineOf('goes on'));
    await proxy.startListening();
    const other = connect({ port: proxy.port, host: '127.0.0.1' });
    onCleanup(() => other.destroy());
    await once(other, 'connect');
  });
});

test('the program that counts messages during faults starts outside of the test runner', async () => {
  const program = start(process.execPath, ['bench/faults.mjs', '--only', 'no such fault']);
  expect([await program.exit, program.out.lines[0]]).toStrictEqual([
    0,
    '| fault | runs | messages sent | lost | repeated | out of order | gaps reported |',
  ]);
});
