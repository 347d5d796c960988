import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { parseGreeting } from '../../streams/wire/handshake.js';

import { onCleanup, cleanUp } from './support/cleanup.js';
import { connectRaw, fakeToken, helloFor, joinRaw } from './support/rawClient.js';
import { newRoom, type Room, startRelayWithoutProxy } from './support/relay.js';
import { runShared } from './support/runShared.js';
import { lineWith } from './support/streamOutput.js';

afterEach(cleanUp);

/** Connects from an address of this machine, and collects what it receives up to the end. */
const dial = async (port: number, from: string, answer: (greeting: string) => string): Promise<string> => {
  const socket = connect({ port, host: '127.0.0.1', localAddress: from });
  socket.on('error', () => undefined);
  let reported = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    if (reported === '' && text.startsWith('NICK ')) socket.write(answer(text.split('\n')[0] ?? ''));
    reported += text;
    if (reported.includes('\nWELCOME ')) socket.destroy();
  });
  await once(socket, 'close');
  return reported;
};

const hello = (greeting: string, room: Room, nick: string) =>
  `${helloFor(parseGreeting(greeting), room, nick)}\n`;

/** Sends invalid proofs as fast as possible until it is stopped. */
const pressing = (port: number, from: string, width: number) => {
  const requested = newRoom(port);
  const signed = newRoom(port);
  let isOver = false;
  let busy = 0;
  const press = async () => {
    while (!isOver) {
      const reported = await dial(port, from, (greeting) => {
        const proof = /proof=\S+/.exec(hello(greeting, signed, 'mallory'))?.[0] ?? '';
        return hello(greeting, requested, 'mallory').replace(/proof=\S+/, proof);
      });
      if (reported.startsWith('BYE busy')) busy += 1;
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

const inTick = async (times: number, join: (n: number) => Promise<string>): Promise<readonly string[]> => {
  const reported: string[] = [];
  for (let n = 0; n < times; n += 1) reported.push(await join(n));
  return reported;
};

const wasIn = (reported: string) => reported.includes('\nWELCOME ');

describe('one address with invalid proofs at full speed', () => {
  test.each([
    ['another address', '127.0.0.2', ['--joins-per-address', '10']],
    ['the same machine, on which no address has a limit', '127.0.0.1', []],
  ])('keeps no member out: %s', async (_, from, flags) => {
    // Half a second's worth may join at once, of which strangers get three quarters: more than the members of this test.
    const relay = await startRelayWithoutProxy('--memory', '--joins-per-second', '60', ...flags);
    const room = newRoom(relay.port);
    const attack = pressing(relay.port, from, 16);
    // The relay rejects the invalid proof of the first client.
    await relay.child.err.until(lineWith('bad-proof'));
    const reported = await inTick(20, (n) =>
      dial(relay.port, '127.0.0.1', (greeting) => hello(greeting, room, `n${n}`)),
    );
    await attack.stop();
    expect(reported.filter(wasIn)).toHaveLength(20);
    if (flags.length > 0) expect(attack.busy).toBeGreaterThan(0);
  });
});

test('an address is limited in new rooms; other addresses and existing rooms are not affected', async () => {
  const relay = await startRelayWithoutProxy('--new-rooms-per-address', '2');
  const rooms = [1, 2, 3].map(() => newRoom(relay.port));
  const join = (n: number, from = '127.0.0.1') =>
    dial(relay.port, from, (greeting) => hello(greeting, rooms[n]!, 'alice'));
  expect([wasIn(await join(0)), wasIn(await join(1)), wasIn(await join(0))]).toStrictEqual([
    true,
    true,
    true,
  ]);
  expect(await join(2)).toMatch(/\nERR busy this address created too many rooms; try again later\n$/);
  expect(wasIn(await join(2, '127.0.0.2'))).toBe(true);
  expect(wasIn(await join(2))).toBe(true);
  // Stored rooms do not count as new after a restart.
  relay.child.signal('SIGTERM');
  await relay.child.exit;
  const again = await relay.restart();
  const reported = await inTick(3, (n) =>
    dial(again.relayPort, '127.0.0.1', (greeting) => hello(greeting, rooms[n]!, 'alice')),
  );
  expect(reported.filter(wasIn)).toHaveLength(3);
});

test('an address beyond its byte limit waits on every connection, and others do not', async () => {
  const relay = await startRelayWithoutProxy(
    '--memory',
    '--bytes-per-address',
    '64KiB',
    '--heartbeat',
    '300ms',
  );
  const room = newRoom(relay.port);
  const sender = await joinRaw(room, 'speaker');
  sender.writeLines(...Array.from({ length: 60 }, () => fakeToken(1000)));
  sender.writeLines(...Array.from({ length: 20 }, () => fakeToken(1000)), 'PING 0');
  // All of it was read on credit; from now on nothing is read, and the relay sends PINGs meanwhile.
  await sender.output.until(({ lines }) => lines.filter((each) => each.startsWith('PING ')).length >= 4);
  const second = await joinRaw(room, 'second').catch(() => undefined);
  second?.writeLines(fakeToken(), 'PING 0');
  const other = await new Promise<Socket>((resolve) => {
    const socket = connect({ port: relay.port, host: '127.0.0.1', localAddress: '127.0.0.2' }, () =>
      resolve(socket),
    );
  });
  onCleanup(() => void other.destroy());
  let reported = '';
  const ponged = new Promise<void>((resolve) => {
    other.setEncoding('utf8').on('data', (text: string) => {
      if (reported === '') other.write(hello(text.split('\n')[0] ?? '', room, 'other'));
      reported += text;
      if (text.includes('WELCOME ')) other.write(`${fakeToken()}\nPING 0\n`);
      if (/^PONG /m.test(reported)) resolve();
    });
  });
  await ponged;
  expect(second?.output.lines.some((each) => each.startsWith('PONG '))).toBe(false);
});

test('pipes on one machine have no limit per address', async () => {
  const relay = await startRelayWithoutProxy();
  const { text } = newRoom(relay.port);
  const all = Array.from({ length: 20_000 }, (_, n) => `${n} ${'x'.repeat(90)}\n`).join('');
  const sent = await runShared(['send', text], { input: all });
  expect([sent.code, sent.err]).toStrictEqual([0, '']);
});

test('serve rejects meaningless limit flags', async () => {
  const ran = await runShared(['serve', '--joins-per-address', 'many']);
  expect(ran.code).toBe(2);
  await connectRaw(
    (await startRelayWithoutProxy('--joins-per-address', '0', '--bytes-per-address', '0')).port,
  );
});
