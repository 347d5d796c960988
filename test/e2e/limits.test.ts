import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { deriveRoomKeys } from '../../src/index.js';
import { parseGreeting } from '../../streams/wire/handshake.js';
import { tempDir, rxchat } from './support/child.js';
import { onCleanup, cleanUp } from './support/cleanup.js';
import {
  connectRaw,
  entriesOf,
  fakeToken,
  helloFor,
  joinRaw,
  nonceOf,
  type RawClient,
} from './support/rawClient.js';
import { newRoom, startRelay } from './support/relay.js';
import { runShared } from './support/runShared.js';
import { lineCount, lineWith } from './support/streamOutput.js';

afterEach(cleanUp);

/** A relay that waits for the answers to `NICK` longer than the test takes. */
const PATIENT = ['--handshake-timeout', '10m'];

const ask = async (port: number, nick: string, room = newRoom(port)): Promise<RawClient> => {
  const peer = await connectRaw(port);
  const first = await peer.output.until(({ lines }) => lines[0]);
  if (!first.startsWith('BYE busy ')) peer.writeLines(helloFor(parseGreeting(first), room, nick));
  return peer;
};

describe('unauthenticated connections', () => {
  test('are refused beyond the limit, and members lose nothing', async () => {
    const relay = await startRelay('--memory', '--connections-per-address', '100', ...PATIENT);
    const room = newRoom(relay.port);
    const sender = await joinRaw(room, 'speaker');
    const listener = await joinRaw(room, 'listener');
    const tokens = Array.from({ length: 300 }, () => fakeToken());

    const strangers: RawClient[] = [];
    for (const [n, token] of tokens.entries()) {
      const peer = await connectRaw(relay.port);
      // Every other one is a slow loris.
      if (n % 2 === 0) peer.write('N');
      strangers.push(peer);
      sender.writeLines(token);
    }
    await Promise.all(strangers.slice(98).map(({ output }) => output.until(lineWith('ERR busy '))));
    await Promise.all(strangers.slice(98).map(({ closed }) => closed));
    expect(
      strangers.slice(0, 98).filter(({ output }) => output.lines.some((each) => each.startsWith('ERR'))),
    ).toEqual([]);

    await listener.output.until(({ lines }) => lines.includes(tokens[299] as string));
    expect(entriesOf(listener).filter((each) => each.startsWith('g'))).toStrictEqual(tokens);
  });

  test('that use up the file descriptors are reported once at the default level, and members are still served', async () => {
    const relay = rxchat(['serve', '--port', '0', '--memory', ...PATIENT], {
      wrapper: ['sh', '-c', 'ulimit -n 40; exec "$@"', 'sh'],
    });
    const [, port] = await relay.out.until(({ text }) => /^listening on \S+:(\d+)$/m.exec(text));
    const room = newRoom(Number(port));
    const [sender, listener] = [await joinRaw(room, 'speaker'), await joinRaw(room, 'listener')];
    for (let n = 0; n < 60; n += 1) {
      const socket = connect({ host: '127.0.0.1', port: Number(port) });
      socket.on('error', () => undefined);
      onCleanup(() => socket.destroy());
    }
    const sentBy = () => relay.err.lines.filter((each) => each.includes('no file descriptor is left'));
    expect(await relay.err.until(() => sentBy()[0])).toContain('"level":40');
    const token = fakeToken();
    sender.writeLines(token);
    await listener.output.until(lineWith(token));
    expect(sentBy()).toHaveLength(1);
  });

  test('that do not answer in time are closed', async () => {
    const relay = await startRelay('--memory', '--handshake-timeout', '200ms');
    const peer = await connectRaw(relay.port);
    peer.write('NICK');
    await peer.output.until(lineWith('ERR timeout '));
    await peer.closed;
  });

  test('that send an endless answer are closed at 4096 bytes', async () => {
    const relay = await startRelay('--memory');
    const peer = await connectRaw(relay.port);
    peer.write('x'.repeat(4096));
    await peer.output.until(lineWith('ERR line-too-long a line is longer than 4096 bytes'));
  });
});

describe('a reconnect storm', () => {
  test('is spread by retry times, and every client joins', async () => {
    const relay = await startRelay('--memory', '--joins-per-second', '20');
    const room = newRoom(relay.port);
    const clients = Array.from({ length: 12 }, (_, n) => rxchat(['listen', room.text, '--nick', `n${n}`]));
    const strangers = await Promise.all(Array.from({ length: 100 }, (_, n) => ask(relay.port, `s${n}`)));
    await Promise.all(clients.map((_, n) => relay.joined(`n${n}`)));
    const ticks = strangers.flatMap(({ output }) =>
      output.lines.flatMap((each) => /^BYE busy (\d+)$/.exec(each)?.[1] ?? []),
    );
    expect(ticks.length).toBeGreaterThan(0);
    // Each client has a time of its own, later if more came before it.
    expect(new Set(ticks).size).toBeGreaterThan(ticks.length / 2);
  });
});

describe('a paste', () => {
  test('of one megabyte passes without delay by default', async () => {
    const relay = await startRelay('--memory');
    const room = newRoom(relay.port);
    const [sender, listener] = [await joinRaw(room, 'speaker'), await joinRaw(room, 'listener')];
    const tokens = Array.from({ length: 1600 }, () => fakeToken(700));
    expect(tokens.join('\n').length).toBeGreaterThan(1024 * 1024);
    sender.writeLines(...tokens, 'PING 0');
    await sender.output.until(lineWith('PONG '));
    await listener.output.until(lineWith(tokens.at(-1) ?? ''));
    expect(entriesOf(listener).filter((each) => each.startsWith('g'))).toStrictEqual(tokens);
  });
});

describe('a sender that is too fast', () => {
  test('is slowed down but not closed, and loses nothing', async () => {
    const relay = await startRelay('--memory', '--lines-per-second', '20', '--heartbeat', '2s');
    const room = newRoom(relay.port);
    const listener = await joinRaw(room, 'listener');
    const sender = await joinRaw(room, 'speaker');
    const alive = setInterval(() => listener.writeLines('PONG 0'), 50);
    onCleanup(() => {
      clearInterval(alive);
    });
    const from = Date.now();
    sender.writeLines(...Array.from({ length: 320 }, () => fakeToken()), 'PING 0');
    await sender.output.until(lineWith('PONG '));
    sender.writeLines(fakeToken());
    await listener.output.until(({ lines }) => lines.filter((each) => each.startsWith('g')).length >= 321);
    // A burst of ten seconds, then 20 lines/s: reading pauses for longer than a member may be silent.
    expect(Date.now() - from).toBeGreaterThanOrEqual(5000);
    expect(listener.output.lines.some((each) => each.startsWith('-'))).toBe(false);
  });
});

describe('rooms', () => {
  test('are not opened beyond the limit, and a full room rejects newcomers', async () => {
    const relay = await startRelay('--memory', '--rooms', '1', '--room-members', '2');
    const room = newRoom(relay.port);
    await joinRaw(room, 'alice');
    await joinRaw(room, 'bob');
    await (await ask(relay.port, 'eve')).output.until(lineWith('ERR busy '));
    await (await ask(relay.port, 'carol', room)).output.until(lineWith('ERR room-full '));
  });

  test('that are not allowed are rejected', async () => {
    const allowed = newRoom(1);
    const { room: name } = deriveRoomKeys(allowed.secret);
    const other = deriveRoomKeys(newRoom(1).secret).room;
    const relay = await startRelay('--memory', '--allow-room', other, '--allow-room', name);
    await joinRaw({ ...allowed, port: relay.port }, 'alice');
    const result = await runShared(['listen', newRoom(relay.port).text]);
    expect(result.code).toBe(4);
    expect(result.err).toMatch(/refused: this relay does not serve this room \(room-not-allowed\)/);
  });
});

describe('a private relay', () => {
  const TOKEN = 'a token of some length';

  test('admits clients with its token, from a file or the environment, and rejects others with a reason', async () => {
    const file = join(tempDir(), 'token');
    writeFileSync(file, `${TOKEN}\n`);
    const relay = await startRelay('--memory', '--access-token-file', file, '--log-level', 'trace');
    const { text } = newRoom(relay.port);

    const none = await runShared(['send', text, '-m', 'hello']);
    expect([none.code, none.err]).toStrictEqual([
      4,
      expect.stringContaining('this relay requires an access token'),
    ]);
    const wrong = await runShared(['send', text, '-m', 'hello'], {
      env: { RXCHAT_ACCESS_TOKEN: `${TOKEN}!` },
    });
    expect([wrong.code, wrong.err]).toStrictEqual([4, expect.stringContaining('the access token is wrong')]);

    const byFile = await runShared(['send', text, '-m', 'hello', '--access-token-file', file]);
    const byEnv = await runShared(['send', text, '-m', 'hello'], { env: { RXCHAT_ACCESS_TOKEN: TOKEN } });
    expect([byFile.code, byEnv.code]).toStrictEqual([0, 0]);
    for (const sent of [none.err, wrong.err, relay.child.err.text]) expect(sent).not.toContain(TOKEN);
  });

  test('refuses to start with a token that is too short, or an empty file', async () => {
    const file = join(tempDir(), 'token');
    writeFileSync(file, 'short\n');
    expect((await runShared(['serve', '--access-token-file', file])).code).toBe(2);
    writeFileSync(file, '\n');
    expect((await runShared(['serve', '--access-token-file', file])).code).toBe(2);
  });
});

test('the relay answers an invalid line that arrives with the join after WELCOME', async () => {
  const relay = await startRelay('--memory');
  const room = newRoom(relay.port);
  const peer = await connectRaw(relay.port);
  peer.writeLines(helloFor(await nonceOf(peer), room, 'mallory'), 'rubbish');
  await peer.closed;
  expect(peer.output.lines.slice(1).map((each) => each.split(' ')[0])).toStrictEqual([
    'WELCOME',
    '+mallory',
    'ERR',
  ]);
});

test('the relay does not flood its log when it refuses many clients', async () => {
  const relay = await startRelay('--memory', '--connections', '1', '--log-level', 'info');
  await joinRaw(newRoom(relay.port), 'alice');
  for (let n = 0; n < 80; n += 1) await (await connectRaw(relay.port)).closed;
  await relay.child.err.until(lineCount(50));
  expect(relay.child.err.lines.filter((each) => each.includes('rejected')).length).toBeLessThan(80);
});
