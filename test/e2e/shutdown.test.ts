import { afterEach, describe, expect, test } from '@jest/globals';
import { connect } from 'node:net';
import { errorCode } from '../../src/transport/networkError.js';
import { type Child, rxchat, start } from './support/child.js';
import { atEnd, endAll } from './support/endings.js';
import { fakeToken, joinPeer, type Peer } from './support/peer.js';
import { type Pass, startProxy } from './support/proxy.js';
import { newRoom, type Relay, startNearRelay, startRelay, through } from './support/relay.js';
import { hear, line } from './support/said.js';

afterEach(endAll);

const SIGNALS = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const;
const CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/**
 * A process that ends two seconds after the signal, which the relay promises to do before: on a slow machine both are late,
 * and an absolute time would say more about that than about the relay.
 */
const twoSeconds = async (): Promise<Child> => {
  const script = `for (const name of ${JSON.stringify(SIGNALS)}) process.on(name, () => setTimeout(process.exit, 2000, 0));
    setInterval(() => undefined, 1e9); console.log('ready')`;
  const child = start(process.execPath, ['-e', script]);
  await child.out.until(line('ready'));
  return child;
};

const stopping = ({ child }: Relay) => child.err.until(line('stopping'));

/** Fills the way to a peer that does not read until the relay has to keep the rest for it. */
const backlog = async (speaker: Peer, megabytes: number): Promise<string[]> => {
  const tokens = Array.from({ length: 16 * megabytes }, () => fakeToken(65_000));
  speaker.say(...tokens);
  await speaker.heard.until(line(tokens.at(-1) ?? ''));
  return tokens;
};

/** Knocks at a port: whether anybody opens, and what is said then and later. */
const knock = (port: number) => {
  const socket = connect(port, '127.0.0.1');
  atEnd(() => socket.destroy());
  const heard = hear(socket);
  const outcome = new Promise<string | undefined>((resolve) => {
    socket.once('connect', () => resolve('connected')).once('error', (error) => resolve(errorCode(error)));
  });
  return { heard, outcome };
};

describe('the relay', () => {
  test.each(SIGNALS)('says BYE to everyone on %s and exits 0 within two seconds', async (signal) => {
    const relay = await startNearRelay();
    const room = newRoom(relay.port);
    const peers = await Promise.all(['a', 'b', 'c'].map((nick) => joinPeer(room, nick)));
    const listener = rxchat(['listen', room.text, '--nick', 'ear', '--no-retry']);
    await relay.joined('ear');

    const clock = await twoSeconds();
    clock.signal(signal);
    relay.child.signal(signal);
    expect(await relay.child.exit).toBe(0);
    expect(clock.running).toBe(true);

    for (const { heard, closed } of peers) {
      await closed;
      expect(heard.lines.at(-1)).toMatch(/^BYE shutdown \d+$/);
    }
    expect(await listener.exit).toBe(3);
    expect(listener.err.text).toMatch(/the relay is shutting down/);
  });

  test('exits 0 within two seconds although somebody never reads', async () => {
    const relay = await startNearRelay();
    const room = newRoom(relay.port);
    const [stuck, speaker] = await Promise.all([joinPeer(room, 'stuck'), joinPeer(room, 'speaker')]);
    stuck.socket.pause();
    await backlog(speaker, 8);

    const clock = await twoSeconds();
    clock.signal('SIGTERM');
    relay.child.signal('SIGTERM');
    expect(await relay.child.exit).toBe(0);
    expect(clock.running).toBe(true);
    expect(speaker.heard.lines.at(-1)).toMatch(/^BYE shutdown/);
  });

  test('delivers what it has accepted before it says BYE, to those who were behind as well', async () => {
    const relay = await startNearRelay();
    const room = newRoom(relay.port);
    const [slow, speaker] = await Promise.all([joinPeer(room, 'slow'), joinPeer(room, 'speaker')]);
    slow.socket.pause();
    const tokens = await backlog(speaker, 8);

    relay.child.signal('SIGTERM');
    await stopping(relay);
    slow.socket.resume();
    await slow.closed;
    expect(slow.heard.lines.at(-1)).toMatch(/^BYE shutdown/);
    expect(slow.heard.lines.filter((each) => each.startsWith('g'))).toStrictEqual(tokens);
    expect(await relay.child.exit).toBe(0);
  });

  test('greets nobody any more once it is stopping, while the last ones still read', async () => {
    const relay = await startNearRelay();
    const room = newRoom(relay.port);
    const [stuck, speaker] = await Promise.all([joinPeer(room, 'stuck'), joinPeer(room, 'speaker')]);
    stuck.socket.pause();
    await backlog(speaker, 8);
    relay.child.signal('SIGTERM');
    await stopping(relay);

    // The first ones may have knocked before the door was shut, but nobody comes to it.
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
    for (const { heard } of knocks) expect(heard.text).toBe('');
  });

  test.each(SIGNALS)('exits at once on a second %s, whoever still reads', async (signal) => {
    const relay = await startNearRelay();
    const room = newRoom(relay.port);
    const [stuck, speaker] = await Promise.all([joinPeer(room, 'stuck'), joinPeer(room, 'speaker')]);
    stuck.socket.pause();
    await backlog(speaker, 8);

    relay.child.signal(signal);
    await stopping(relay);
    relay.child.signal(signal);
    // The first signal alone would have ended in 0.
    expect(await relay.child.exit).toBe(CODES[signal]);
  });
});

describe('a client', () => {
  const NAMES = ['send', 'listen', 'join'] as const;

  test('takes its leave on a signal: BYE on the wire, and gone for the others', async () => {
    const relay = await startRelay();
    const others = await joinPeer(newRoom(relay.port), 'others');
    const cases = NAMES.flatMap((name) => SIGNALS.map((signal) => ({ name, signal, nick: name + signal })));

    await Promise.all(
      cases.map(async ({ name, signal, nick }) => {
        const said: Buffer[] = [];
        const up = (): Pass => (chunk, on) => {
          said.push(chunk);
          on(chunk);
        };
        const behind = through(await startProxy(relay.port, { up }), others.room);
        const client = rxchat([name, behind.text, '--nick', nick]);
        await others.heard.until(({ lines }) =>
          lines.find((each) => each.startsWith('+') && each.includes(nick)),
        );

        client.signal(signal);
        expect([nick, await client.exit]).toStrictEqual([nick, CODES[signal]]);
        expect(Buffer.concat(said).toString()).toMatch(/\nBYE \S+ \d+\n$/);
        await others.heard.until(({ lines }) =>
          lines.find((each) => each.startsWith('-') && each.includes(nick)),
        );
        await relay.child.err.until(line(`"nick":"${nick}"`, '"reason":"bye"'));
      }),
    );
  });

  test('send that is interrupted says what became of its lines', async () => {
    const relay = await startRelay();
    const room = newRoom(relay.port);
    const others = await joinPeer(room, 'others');
    const send = rxchat(['send', room.text]);
    send.feed('one\ntwo\n');
    await others.heard.until(({ lines }) => lines.find((each) => each.startsWith('g')));
    send.signal('SIGINT');
    expect(await send.exit).toBe(130);
    // Whether its own echo had come already is for the network to say.
    expect(send.err.text).toMatch(
      /^rxchat: interrupted; sent (0 of at least 2, at least 2 not confirmed|2 of at least 2)\n$/,
    );
  });

  test('that does not retry says that the relay is gone when it is killed, and ends in 3', async () => {
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
  ])('%s gives up on a relay that stays away, and ends in %i with the count', async (name, code, told) => {
    const relay = await startRelay();
    const client = rxchat([name, newRoom(relay.port).text, '--nick', name, '--timeout', '300ms']);
    await relay.joined(name);
    relay.child.signal('SIGKILL');
    await relay.child.exit;
    client.feed('one\ntwo\n');
    client.endInput();
    expect(await client.exit).toBe(code);
    expect(client.err.text).toMatch(
      /^rxchat: no receipt for 0.3 s: (the relay closed the connection|cannot reach|the connection was reset)/m,
    );
    expect(client.err.text).toContain(told);
  });

  test.each(NAMES)('%s waits for a relay that is away, and ends at once on a signal', async (name) => {
    const relay = await startRelay();
    const client = rxchat([name, newRoom(relay.port).text, '--nick', name]);
    await relay.joined(name);
    relay.child.signal('SIGKILL');
    await (name === 'join' ? client.out : client.err).until(line('offline: '));
    client.signal('SIGTERM');
    expect(await client.exit).toBe(143);
  });
});
