import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { readGreeting } from '../../streams/wire/handshake.js';
import { run } from './support/child.js';
import { atEnd, endAll } from './support/endings.js';
import { connectPeer, fakeToken, helloFor, joinPeer } from './support/peer.js';
import { newRoom, type Room, startNearRelay } from './support/relay.js';
import { line } from './support/said.js';

afterEach(endAll);

/** A connection from an address of this machine; what it is told, up to its end. */
const dial = async (port: number, from: string, answer: (greeting: string) => string): Promise<string> => {
  const socket = connect({ port, host: '127.0.0.1', localAddress: from });
  socket.on('error', () => undefined);
  let told = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    if (told === '' && text.startsWith('NICK ')) socket.write(answer(text.split('\n')[0] ?? ''));
    told += text;
    if (told.includes('\nWELCOME ')) socket.destroy();
  });
  await once(socket, 'close');
  return told;
};

const hello = (greeting: string, room: Room, nick: string) =>
  `${helloFor(readGreeting(greeting), room, nick)}\n`;

/** Wrong proofs, as fast as they go, until it is told to stop. */
const pressing = (port: number, from: string, width: number) => {
  const asked = newRoom(port);
  const signed = newRoom(port);
  let isOver = false;
  let busy = 0;
  const press = async () => {
    while (!isOver) {
      const told = await dial(port, from, (greeting) => {
        const proof = /proof=\S+/.exec(hello(greeting, signed, 'mallory'))?.[0] ?? '';
        return hello(greeting, asked, 'mallory').replace(/proof=\S+/, proof);
      });
      if (told.startsWith('BYE busy')) busy += 1;
    }
  };
  const all = Promise.all(Array.from({ length: width }, press));
  return {
    get busy() {
      return busy;
    },
    stop: async () => {
      isOver = true;
      await all;
    },
  };
};

const inTurn = async (times: number, join: (n: number) => Promise<string>): Promise<readonly string[]> => {
  const told: string[] = [];
  for (let n = 0; n < times; n += 1) told.push(await join(n));
  return told;
};

const wasIn = (told: string) => told.includes('\nWELCOME ');

describe('one address with wrong proofs at full speed', () => {
  test.each([
    ['another address', '127.0.0.2', ['--joins-per-address', '10']],
    ['the same machine, where no address has a limit', '127.0.0.1', []],
  ])('keeps nobody out: %s', async (_, from, flags) => {
    const relay = await startNearRelay('--memory', '--joins-per-second', '40', ...flags);
    const room = newRoom(relay.port);
    const attack = pressing(relay.port, from, 16);
    // The first of them is told that its proof does not hold.
    await relay.child.err.until(line('bad-proof'));
    const told = await inTurn(20, (n) =>
      dial(relay.port, '127.0.0.1', (greeting) => hello(greeting, room, `n${n}`)),
    );
    await attack.stop();
    expect(told.filter(wasIn)).toHaveLength(20);
    if (flags.length > 0) expect(attack.busy).toBeGreaterThan(0);
  });
});

test('an address makes so many new rooms; others, and rooms that are there, are not concerned', async () => {
  const relay = await startNearRelay('--new-rooms-per-address', '2');
  const rooms = [1, 2, 3].map(() => newRoom(relay.port));
  const join = (n: number, from = '127.0.0.1') =>
    dial(relay.port, from, (greeting) => hello(greeting, rooms[n]!, 'alice'));
  expect([wasIn(await join(0)), wasIn(await join(1)), wasIn(await join(0))]).toStrictEqual([
    true,
    true,
    true,
  ]);
  expect(await join(2)).toMatch(/\nERR busy this address has made too many new rooms; try again later\n$/);
  expect(wasIn(await join(2, '127.0.0.2'))).toBe(true);
  expect(wasIn(await join(2))).toBe(true);
  // Those that are stored are not new when the relay is.
  relay.child.signal('SIGTERM');
  await relay.child.exit;
  const again = await relay.restart();
  const told = await inTurn(3, (n) =>
    dial(again.ownPort, '127.0.0.1', (greeting) => hello(greeting, rooms[n]!, 'alice')),
  );
  expect(told.filter(wasIn)).toHaveLength(3);
});

test('what an address says beyond its bytes waits, whatever the connection, and others do not', async () => {
  const relay = await startNearRelay('--memory', '--bytes-per-address', '64KiB', '--heartbeat', '300ms');
  const room = newRoom(relay.port);
  const speaker = await joinPeer(room, 'speaker');
  speaker.say(...Array.from({ length: 60 }, () => fakeToken(1000)));
  speaker.say(...Array.from({ length: 20 }, () => fakeToken(1000)), 'PING 0');
  // All of it was read on credit; from now on nothing is, and the relay asks for a sign of life meanwhile.
  await speaker.heard.until(({ lines }) => lines.filter((each) => each.startsWith('PING ')).length >= 4);
  const second = await joinPeer(room, 'second').catch(() => undefined);
  second?.say(fakeToken(), 'PING 0');
  const other = await new Promise<Socket>((resolve) => {
    const socket = connect({ port: relay.port, host: '127.0.0.1', localAddress: '127.0.0.2' }, () =>
      resolve(socket),
    );
  });
  atEnd(() => void other.destroy());
  let told = '';
  const ponged = new Promise<void>((resolve) => {
    other.setEncoding('utf8').on('data', (text: string) => {
      if (told === '') other.write(hello(text.split('\n')[0] ?? '', room, 'other'));
      told += text;
      if (text.includes('WELCOME ')) other.write(`${fakeToken()}\nPING 0\n`);
      if (/^PONG /m.test(told)) resolve();
    });
  });
  await ponged;
  expect(second?.heard.lines.some((each) => each.startsWith('PONG '))).toBe(false);
});

test('pipes on one machine have no limit of an address', async () => {
  const relay = await startNearRelay();
  const { text } = newRoom(relay.port);
  const all = Array.from({ length: 20_000 }, (_, n) => `${n} ${'x'.repeat(90)}\n`).join('');
  const sent = await run(['send', text], { input: all });
  expect([sent.code, sent.err]).toStrictEqual([0, '']);
});

test('flags that make no sense are refused', async () => {
  const ran = await run(['serve', '--joins-per-address', 'many']);
  expect(ran.code).toBe(2);
  await connectPeer((await startNearRelay('--joins-per-address', '0', '--bytes-per-address', '0')).port);
});
