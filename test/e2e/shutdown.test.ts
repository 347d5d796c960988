import { afterEach, describe, expect, test } from '@jest/globals';
import { connect } from 'node:net';
import { errorCode } from '../../src/util/errors.js';
import { type Child, rxchat, start } from './support/child.js';
import { onCleanup, cleanUp } from './support/cleanup.js';
import { fakeToken, joinRaw, type RawClient } from './support/rawClient.js';
import { type ChunkHandler, startProxy } from './support/proxy.js';
import { newRoom, type Relay, startRelayWithoutProxy, startRelay, viaPort } from './support/relay.js';
import { readStream, lineWith } from './support/streamOutput.js';

afterEach(cleanUp);

const SIGNALS = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const;
const CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/**
 * A process that ends two seconds after the signal. The relay must end before it: on a slow machine both are late, so
 * an absolute time would measure the machine.
 */
const twoSeconds = async (): Promise<Child> => {
  const script = `for (const name of ${JSON.stringify(SIGNALS)}) process.on(name, () => setTimeout(process.exit, 2000, 0));
    setInterval(() => undefined, 1e9); console.log('ready')`;
  const child = start(process.execPath, ['-e', script]);
  await child.out.until(lineWith('ready'));
  return child;
};

const stopping = ({ child }: Relay) => child.err.until(lineWith('stopping'));

/** Fills the socket of a peer that does not read, until the relay has to buffer the rest. */
const backlog = async (sender: RawClient, megabytes: number): Promise<string[]> => {
  const tokens = Array.from({ length: 16 * megabytes }, () => fakeToken(65_000));
  sender.writeLines(...tokens);
  await sender.output.until(lineWith(tokens.at(-1) ?? ''));
  return tokens;
};

/** Connects to a port: returns whether it accepts, and what it sends then and later. */
const knock = (port: number) => {
  const socket = connect(port, '127.0.0.1');
  onCleanup(() => socket.destroy());
  const output = readStream(socket);
  const outcome = new Promise<string | undefined>((resolve) => {
    socket.once('connect', () => resolve('connected')).once('error', (error) => resolve(errorCode(error)));
  });
  return { output, outcome };
};

describe('the relay', () => {
  test.each(SIGNALS)('sends BYE to everyone on %s and exits 0 within two seconds', async (signal) => {
    const relay = await startRelayWithoutProxy();
    const room = newRoom(relay.port);
    const peers = await Promise.all(['a', 'b', 'c'].map((nick) => joinRaw(room, nick)));
    const listener = rxchat(['listen', room.text, '--nick', 'ear', '--no-retry']);
    await relay.joined('ear');

    const clock = await twoSeconds();
    clock.signal(signal);
    relay.child.signal(signal);
    expect(await relay.child.exit).toBe(0);
    expect(clock.running).toBe(true);

    for (const { output, closed } of peers) {
      await closed;
      expect(output.lines.at(-1)).toMatch(/^BYE shutdown \d+$/);
    }
    expect(await listener.exit).toBe(3);
    expect(listener.err.text).toMatch(/the relay is shutting down/);
  });

  test('exits 0 within two seconds although a member never reads', async () => {
    const relay = await startRelayWithoutProxy();
    const room = newRoom(relay.port);
    const [stuck, sender] = await Promise.all([joinRaw(room, 'stuck'), joinRaw(room, 'speaker')]);
    stuck.socket.pause();
    await backlog(sender, 8);

    const clock = await twoSeconds();
    clock.signal('SIGTERM');
    relay.child.signal('SIGTERM');
    expect(await relay.child.exit).toBe(0);
    expect(clock.running).toBe(true);
    expect(sender.output.lines.at(-1)).toMatch(/^BYE shutdown/);
  });

  test('delivers what it has accepted before BYE, also to slow members', async () => {
    const relay = await startRelayWithoutProxy();
    const room = newRoom(relay.port);
    const [slow, sender] = await Promise.all([joinRaw(room, 'slow'), joinRaw(room, 'speaker')]);
    slow.socket.pause();
    const tokens = await backlog(sender, 8);

    relay.child.signal('SIGTERM');
    await stopping(relay);
    slow.socket.resume();
    await slow.closed;
    expect(slow.output.lines.at(-1)).toMatch(/^BYE shutdown/);
    expect(slow.output.lines.filter((each) => each.startsWith('g'))).toStrictEqual(tokens);
    expect(await relay.child.exit).toBe(0);
  });

  test('admits nobody while it is stopping and the last members still read', async () => {
    const relay = await startRelayWithoutProxy();
    const room = newRoom(relay.port);
    const [stuck, sender] = await Promise.all([joinRaw(room, 'stuck'), joinRaw(room, 'speaker')]);
    stuck.socket.pause();
    await backlog(sender, 8);
    relay.child.signal('SIGTERM');
    await stopping(relay);

    // The first clients may have connected before the port was closed, but none is served.
    const knocks: ReturnType<typeof knock>[] = [];
    let last: string | undefined;
    while (last !== 'ECONNREFUSED' && relay.child.running) {
      const next = knock(relay.port);
      knocks.push(next);
      last = await next.outcome;
    }
    expect(last).toBe('ECONNREFUSED');
    expect(relay.child.running).toBe(true);
    await relay.child.exit;
    for (const { output } of knocks) expect(output.text).toBe('');
  });

  test.each(SIGNALS)('exits at once on a second %s, although members still read', async (signal) => {
    const relay = await startRelayWithoutProxy();
    const room = newRoom(relay.port);
    const [stuck, sender] = await Promise.all([joinRaw(room, 'stuck'), joinRaw(room, 'speaker')]);
    stuck.socket.pause();
    await backlog(sender, 8);

    relay.child.signal(signal);
    await stopping(relay);
    relay.child.signal(signal);
    // The first signal alone would have led to exit code 0.
    expect(await relay.child.exit).toBe(CODES[signal]);
  });
});

describe('a client', () => {
  const NAMES = ['send', 'listen', 'join'] as const;

  test('sends BYE on a signal, and the others see it leave', async () => {
    const relay = await startRelay();
    const others = await joinRaw(newRoom(relay.port), 'others');
    const cases = NAMES.flatMap((name) => SIGNALS.map((signal) => ({ name, signal, nick: name + signal })));

    await Promise.all(
      cases.map(async ({ name, signal, nick }) => {
        const sent: Buffer[] = [];
        const up = (): ChunkHandler => (chunk, on) => {
          sent.push(chunk);
          on(chunk);
        };
        const behind = viaPort(await startProxy(relay.port, { up }), others.room);
        const client = rxchat([name, behind.text, '--nick', nick]);
        await others.output.until(({ lines }) =>
          lines.find((each) => each.startsWith('+') && each.includes(nick)),
        );

        client.signal(signal);
        expect([nick, await client.exit]).toStrictEqual([nick, CODES[signal]]);
        expect(Buffer.concat(sent).toString()).toMatch(/\nBYE \S+ \d+\n$/);
        await others.output.until(({ lines }) =>
          lines.find((each) => each.startsWith('-') && each.includes(nick)),
        );
        await relay.child.err.until(lineWith(`"nick":"${nick}"`, '"reason":"bye"'));
      }),
    );
  });

  test('reports the state of its lines when send is interrupted', async () => {
    const relay = await startRelay();
    const room = newRoom(relay.port);
    const others = await joinRaw(room, 'others');
    const send = rxchat(['send', room.text]);
    send.writeInput('one\ntwo\n');
    await others.output.until(({ lines }) => lines.find((each) => each.startsWith('g')));
    send.signal('SIGINT');
    expect(await send.exit).toBe(130);
    // Its own echo may have arrived already, depending on the network.
    expect(send.err.text).toMatch(
      /^rxchat: interrupted; sent (0 of at least 2, at least 2 not confirmed|2 of at least 2)\n$/,
    );
  });

  test('exits 3 with a message without retry when the relay is killed', async () => {
    const relay = await startRelay();
    const listener = rxchat(['listen', newRoom(relay.port).text, '--nick', 'ear', '--no-retry']);
    await relay.joined('ear');
    relay.child.signal('SIGKILL');
    expect(await listener.exit).toBe(3);
    expect(listener.err.text).toMatch(/^rxchat: the (relay closed the connection|connection was reset)/m);
  });

  test.each([
    ['send', 7, 'sent 0 of 2, 2 not confirmed\n'],
    ['join', 7, 'not stored yet: 2'],
  ])(
    '%s gives up on a relay that stays away, and ends in %i with the count',
    async (name, code, reported) => {
      const relay = await startRelay();
      // The time covers the join, too.
      const client = rxchat([name, newRoom(relay.port).text, '--nick', name, '--timeout', '3s']);
      await relay.joined(name);
      relay.child.signal('SIGKILL');
      await (name === 'join' ? client.out : client.err).until(lineWith('offline: '));
      client.writeInput('one\ntwo\n');
      client.endInput();
      expect(await client.exit).toBe(code);
      expect(client.err.text).toMatch(
        /^rxchat: no receipt for 3 s: (the relay closed the connection|cannot reach|the connection was reset)/m,
      );
      expect(client.err.text).toContain(reported);
    },
  );

  test.each(NAMES)('waits for an absent relay as %s, and exits at once on a signal', async (name) => {
    const relay = await startRelay();
    const client = rxchat([name, newRoom(relay.port).text, '--nick', name]);
    await relay.joined(name);
    relay.child.signal('SIGKILL');
    await (name === 'join' ? client.out : client.err).until(lineWith('offline: '));
    client.signal('SIGTERM');
    expect(await client.exit).toBe(143);
  });
});
