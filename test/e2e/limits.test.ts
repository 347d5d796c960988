import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { deriveRoomKeys } from '../../src/index.js';
import { readGreeting } from '../../streams/wire/handshake.js';
import { newDir, run, rxchat } from './support/child.js';
import { atEnd, endAll } from './support/endings.js';
import { connectPeer, entriesOf, fakeToken, helloFor, joinPeer, nonceOf, type Peer } from './support/peer.js';
import { newRoom, startRelay } from './support/relay.js';
import { count, line } from './support/said.js';

afterEach(endAll);

const ask = async (port: number, nick: string, room = newRoom(port)): Promise<Peer> => {
  const peer = await connectPeer(port);
  const first = await peer.heard.until(({ lines }) => lines[0]);
  if (!first.startsWith('BYE busy ')) peer.say(helloFor(readGreeting(first), room, nick));
  return peer;
};

describe('strangers at the door', () => {
  test('are refused beyond the limit, and those in a room lose nothing', async () => {
    const relay = await startRelay('--memory', '--connections-per-address', '100');
    const room = newRoom(relay.port);
    const speaker = await joinPeer(room, 'speaker');
    const listener = await joinPeer(room, 'listener');
    const tokens = Array.from({ length: 300 }, () => fakeToken());

    const strangers: Peer[] = [];
    for (const [n, token] of tokens.entries()) {
      const peer = await connectPeer(relay.port);
      // Every other one is a slow loris.
      if (n % 2 === 0) peer.write('N');
      strangers.push(peer);
      speaker.say(token);
    }
    await Promise.all(strangers.slice(98).map(({ heard }) => heard.until(line('ERR busy '))));
    await Promise.all(strangers.slice(98).map(({ closed }) => closed));
    expect(
      strangers.slice(0, 98).filter(({ heard }) => heard.lines.some((each) => each.startsWith('ERR'))),
    ).toEqual([]);

    await listener.heard.until(({ lines }) => lines.includes(tokens[299] as string));
    expect(entriesOf(listener).filter((each) => each.startsWith('g'))).toStrictEqual(tokens);
  });

  test('take the last file descriptor: the relay says so once, at the default level, and serves those who are in', async () => {
    const relay = rxchat(['serve', '--port', '0', '--memory'], {
      by: ['sh', '-c', 'ulimit -n 40; exec "$@"', 'sh'],
    });
    const [, port] = await relay.out.until(({ text }) => /^listening on \S+:(\d+)$/m.exec(text));
    const room = newRoom(Number(port));
    const [speaker, listener] = [await joinPeer(room, 'speaker'), await joinPeer(room, 'listener')];
    for (let n = 0; n < 60; n += 1) {
      const socket = connect({ host: '127.0.0.1', port: Number(port) });
      socket.on('error', () => undefined);
      atEnd(() => socket.destroy());
    }
    const said = () => relay.err.lines.filter((each) => each.includes('no file descriptor is left'));
    expect(await relay.err.until(() => said()[0])).toContain('"level":40');
    const token = fakeToken();
    speaker.say(token);
    await listener.heard.until(line(token));
    expect(said()).toHaveLength(1);
  });

  test('who take their time are closed after it', async () => {
    const relay = await startRelay('--memory', '--handshake-timeout', '200ms');
    const peer = await connectPeer(relay.port);
    peer.write('NICK');
    await peer.heard.until(line('ERR timeout '));
    await peer.closed;
  });

  test('who send an endless answer are closed at 4096 bytes of it', async () => {
    const relay = await startRelay('--memory');
    const peer = await connectPeer(relay.port);
    peer.write('x'.repeat(4096));
    await peer.heard.until(line('ERR line-too-long a line is longer than 4096 bytes'));
  });
});

describe('a reconnect storm', () => {
  test('is told to come back, and all of it gets in', async () => {
    const relay = await startRelay('--memory', '--joins-per-second', '20');
    const room = newRoom(relay.port);
    const clients = Array.from({ length: 12 }, (_, n) => rxchat(['listen', room.text, '--nick', `n${n}`]));
    const strangers = await Promise.all(Array.from({ length: 100 }, (_, n) => ask(relay.port, `s${n}`)));
    await Promise.all(clients.map((_, n) => relay.joined(`n${n}`)));
    const turns = strangers.flatMap(({ heard }) =>
      heard.lines.flatMap((each) => /^BYE busy (\d+)$/.exec(each)?.[1] ?? []),
    );
    expect(turns.length).toBeGreaterThan(0);
    // Each has a turn of their own: it is later, the more have come before.
    expect(new Set(turns).size).toBeGreaterThan(turns.length / 2);
  });
});

describe('a paste', () => {
  test('of a megabyte passes as it is, by default', async () => {
    const relay = await startRelay('--memory');
    const room = newRoom(relay.port);
    const [speaker, listener] = [await joinPeer(room, 'speaker'), await joinPeer(room, 'listener')];
    const tokens = Array.from({ length: 1600 }, () => fakeToken(700));
    expect(tokens.join('\n').length).toBeGreaterThan(1024 * 1024);
    speaker.say(...tokens, 'PING 0');
    await speaker.heard.until(line('PONG '));
    await listener.heard.until(line(tokens.at(-1) ?? ''));
    expect(entriesOf(listener).filter((each) => each.startsWith('g'))).toStrictEqual(tokens);
  });
});

describe('a sender that is too fast', () => {
  test('is slowed and not thrown out, and nothing of it is lost', async () => {
    const relay = await startRelay('--memory', '--lines-per-second', '20', '--heartbeat', '2s');
    const room = newRoom(relay.port);
    const listener = await joinPeer(room, 'listener');
    const speaker = await joinPeer(room, 'speaker');
    const alive = setInterval(() => listener.say('PONG 0'), 50);
    atEnd(() => {
      clearInterval(alive);
    });
    const from = Date.now();
    speaker.say(...Array.from({ length: 320 }, () => fakeToken()), 'PING 0');
    await speaker.heard.until(line('PONG '));
    speaker.say(fakeToken());
    await listener.heard.until(({ lines }) => lines.filter((each) => each.startsWith('g')).length >= 321);
    // A burst of ten seconds' worth, then 20 a second: it is not read for longer than a member may be silent.
    expect(Date.now() - from).toBeGreaterThanOrEqual(5000);
    expect(listener.heard.lines.some((each) => each.startsWith('-'))).toBe(false);
  });
});

describe('rooms', () => {
  test('beyond the limit are not opened, and a full room takes nobody', async () => {
    const relay = await startRelay('--memory', '--rooms', '1', '--room-members', '2');
    const room = newRoom(relay.port);
    await joinPeer(room, 'alice');
    await joinPeer(room, 'bob');
    await (await ask(relay.port, 'eve')).heard.until(line('ERR busy '));
    await (await ask(relay.port, 'carol', room)).heard.until(line('ERR room-full '));
  });

  test('that are not allowed are refused', async () => {
    const allowed = newRoom(1);
    const { room: name } = deriveRoomKeys(allowed.secret);
    const other = deriveRoomKeys(newRoom(1).secret).room;
    const relay = await startRelay('--memory', '--allow-room', other, '--allow-room', name);
    await joinPeer({ ...allowed, port: relay.port }, 'alice');
    const said = await run(['listen', newRoom(relay.port).text]);
    expect(said.code).toBe(4);
    expect(said.err).toMatch(/refused: this relay does not serve this room \(room-not-allowed\)/);
  });
});

describe('a private relay', () => {
  const TOKEN = 'a token of some length';

  test('lets in who has its token, by a file or the environment, and tells the others in words', async () => {
    const file = join(newDir(), 'token');
    writeFileSync(file, `${TOKEN}\n`);
    const relay = await startRelay('--memory', '--access-token-file', file, '--log-level', 'trace');
    const { text } = newRoom(relay.port);

    const none = await run(['send', text, '-m', 'hello']);
    expect([none.code, none.err]).toStrictEqual([
      4,
      expect.stringContaining('this relay wants an access token'),
    ]);
    const wrong = await run(['send', text, '-m', 'hello'], { env: { RXCHAT_ACCESS_TOKEN: `${TOKEN}!` } });
    expect([wrong.code, wrong.err]).toStrictEqual([4, expect.stringContaining('does not hold')]);

    const byFile = await run(['send', text, '-m', 'hello', '--access-token-file', file]);
    const byEnv = await run(['send', text, '-m', 'hello'], { env: { RXCHAT_ACCESS_TOKEN: TOKEN } });
    expect([byFile.code, byEnv.code]).toStrictEqual([0, 0]);
    for (const said of [none.err, wrong.err, relay.child.err.text]) expect(said).not.toContain(TOKEN);
  });

  test('refuses a token that is too short, and an empty file', async () => {
    const file = join(newDir(), 'token');
    writeFileSync(file, 'short\n');
    expect((await run(['serve', '--access-token-file', file])).code).toBe(2);
    writeFileSync(file, '\n');
    expect((await run(['serve', '--access-token-file', file])).code).toBe(2);
  });
});

test('a wrong line together with the join is answered after WELCOME', async () => {
  const relay = await startRelay('--memory');
  const room = newRoom(relay.port);
  const peer = await connectPeer(relay.port);
  peer.say(helloFor(await nonceOf(peer), room, 'mallory'), 'rubbish');
  await peer.closed;
  expect(peer.heard.lines.slice(1).map((each) => each.split(' ')[0])).toStrictEqual([
    'WELCOME',
    '+mallory',
    'ERR',
  ]);
});

test('a flood of refusals is not one of log lines', async () => {
  const relay = await startRelay('--memory', '--connections', '1', '--log-level', 'info');
  await joinPeer(newRoom(relay.port), 'alice');
  for (let n = 0; n < 80; n += 1) await (await connectPeer(relay.port)).closed;
  await relay.child.err.until(count(50));
  expect(relay.child.err.lines.filter((each) => each.includes('turned away')).length).toBeLessThan(80);
});
