import { afterEach, describe, expect, test } from '@jest/globals';
import { type Child, residentMemory, rxchat } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import {
  connectRaw,
  fakeToken,
  helloFor,
  joinRaw,
  nonceOf,
  type RawClient,
  seal,
} from './support/rawClient.js';
import { newRoom, type Relay, type Room, startRelay } from './support/relay.js';
import { lineCount, lineWith } from './support/streamOutput.js';

afterEach(cleanUp);

interface LivingRoom extends Room {
  readonly relay: Relay;
  /** Sends a message, and expects it after all earlier messages and nothing else. */
  readonly stillServes: () => Promise<void>;
}

/** A room in which one member listens and another one talks throughout. */
const livingRoom = async (...flags: readonly string[]): Promise<LivingRoom> => {
  const relay = await startRelay(...flags);
  const room = newRoom(relay.port);
  const sender = await joinRaw(room, 'speaker');
  const listener = rxchat(['listen', room.text, '--json', '--nick', 'ear']);
  await relay.joined('ear');

  const sent: string[] = [];
  const stillServes = async () => {
    const text = String(sent.length + 1);
    sent.push(text);
    sender.writeLines(seal(sender, text));
    await listener.out.until(lineCount(sent.length));
    expect(textsOf(listener)).toStrictEqual(sent);
    expect(listener.running).toBe(true);
  };
  await stillServes();
  return { ...room, relay, stillServes };
};

const textsOf = ({ out }: Child): unknown[] =>
  out.lines.map((each) => (JSON.parse(each) as Record<string, unknown>)['text']);

/** Expects that the relay has sent `ERR code …` last, and has closed. */
const refused = async ({ output, closed }: RawClient, code: string | RegExp): Promise<void> => {
  const sent = await output.until(({ lines }) => lines.findLast((each) => each.startsWith('ERR ')));
  expect(sent).toMatch(new RegExp(`^ERR ${typeof code === 'string' ? code : code.source} \\S.*$`));
  await closed;
  expect(output.lines.at(-1)).toBe(sent);
};

const LIMIT = 65_536;
const endless = (): Buffer => Buffer.alloc(LIMIT + 1, 'x');

/** Invalid bytes, and the answer of the relay to each. */
const RUBBISH: [string, string | Uint8Array, RegExp][] = [
  ['a line over the limit', `${'x'.repeat(LIMIT)}\n`, /line-too-long/],
  ['an endless line', endless(), /line-too-long/],
  ['random bytes', Buffer.from([0xff, 0x00, 0x13, 0x37, 0x80, 0x0a]), /bad-line/],
  ['NUL', '\0\n', /bad-line/],
  ['invalid UTF-8', Buffer.from('NICK \xc3\x28\n', 'latin1'), /bad-line/],
  ['an empty line', '\n', /bad-line/],
  ['an HTTP request', 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n', /bad-line/],
  ['a control line of the relay', 'WELCOME log=x next=1 first=1 from=1\n', /bad-line/],
];

describe('the relay closes a connection with invalid bytes, with a reason,', () => {
  test('in place of the answer to NICK, and no other client notices it', async () => {
    const { relay, stillServes } = await livingRoom();
    for (const [, bytes, code] of RUBBISH) {
      const peer = await connectRaw(relay.port);
      peer.write(bytes);
      await refused(peer, code);
      await stillServes();
    }
  });

  test.each(RUBBISH)('in place of a token: %s', async (_, bytes, code) => {
    const room = await livingRoom();
    const peer = await joinRaw(room, 'mallory');
    peer.write(bytes);
    await refused(peer, code);
    await room.relay.left('mallory');
    await room.stillServes();
  });

  test.each<[string, string, RegExp]>([
    ['a control line of the relay', 'GAP 1 2', /bad-line/],
    ['a second answer to NICK', 'NICK mallory', /bad-line/],
    ['a forged announcement', '+alice', /bad-line/],
    ['a truncated token', fakeToken().slice(0, -2), /bad-line/],
    ['a token with trailing bytes', `${fakeToken()} `, /bad-line/],
    ['a token with a carriage return', `${fakeToken()}\r`, /bad-line/],
    ['plaintext', 'hello everybody', /bad-line/],
  ])('in place of a token: %s', async (_, words, code) => {
    const room = await livingRoom();
    const peer = await joinRaw(room, 'mallory');
    peer.writeLines(words);
    await refused(peer, code);
    await room.stillServes();
  });

  test('with the bytes before the invalid line delivered, but not those after it', async () => {
    const room = await livingRoom();
    const [mallory, observer] = [await joinRaw(room, 'mallory'), await joinRaw(room, 'witness')];
    const [before, after] = [fakeToken(), fakeToken()];
    mallory.writeLines(before, 'wrong', after);
    await refused(mallory, 'bad-line');
    await observer.output.until(lineWith('-mallory'));
    expect(observer.output.lines).toContain(before);
    expect(observer.output.lines).not.toContain(after);
  });
});

describe('a proof', () => {
  test('of another member is refused', async () => {
    const { relay, stillServes, ...room } = await livingRoom();
    const peer = await connectRaw(relay.port);
    const { secret } = newRoom(relay.port);
    const theirs = helloFor(await nonceOf(peer), room, 'mallory');
    const ours = helloFor(await nonceOf(peer), { secret }, 'mallory');
    // The room of the others with our own key.
    peer.writeLines(theirs.replace(/proof=\S+/, /proof=\S+/.exec(ours)?.[0] ?? ''));
    await refused(peer, 'bad-proof');
    await stillServes();
  });

  test('for another connection is refused', async () => {
    const room = await livingRoom();
    const [alice, mallory] = await Promise.all([connectRaw(room.port), connectRaw(room.port)]);
    const hello = helloFor(await nonceOf(alice), room, 'alice');
    await nonceOf(mallory);
    mallory.writeLines(hello);
    await refused(mallory, 'bad-proof');
    alice.writeLines(hello);
    await alice.output.until(lineWith('WELCOME'));
  });

  test('for another nick is refused', async () => {
    const room = await livingRoom();
    const peer = await connectRaw(room.port);
    peer.writeLines(helloFor(await nonceOf(peer), room, 'mallory').replace('NICK mallory', 'NICK alice'));
    await refused(peer, 'bad-proof');
  });
});

describe('the relay keeps serving', () => {
  test('after a thousand connections of random bytes', async () => {
    const { relay, stillServes } = await livingRoom();
    const before = residentMemory(relay.child.pid);
    const next = random(20_261_122);
    for (let batch = 0; batch < 10; batch += 1) {
      const peers = await Promise.all(Array.from({ length: 100 }, () => connectRaw(relay.port)));
      for (const { socket } of peers) socket.end(next(1 + (next(2).readUInt16LE() % 8192)));
      await Promise.all(peers.map(({ closed }) => closed));
      await stillServes();
    }
    // A burst, and then one line a minute.
    const rejected = relay.child.err.lines.filter((each) => each.includes('rejected'));
    expect(rejected.length).toBeGreaterThanOrEqual(50);
    expect(rejected.length).toBeLessThan(60);
    expect(residentMemory(relay.child.pid) - before).toBeLessThan(64 * 1024 * 1024);
  });

  test('while others send endless lines, which it does not keep', async () => {
    const { relay, stillServes } = await livingRoom();
    const before = residentMemory(relay.child.pid);
    const peers = await Promise.all(Array.from({ length: 100 }, () => connectRaw(relay.port)));
    for (const { socket } of peers) socket.on('error', () => undefined).write(Buffer.alloc(1 << 21, 'x'));
    await Promise.all(peers.map(({ closed }) => closed));
    await stillServes();
    expect(residentMemory(relay.child.pid) - before).toBeLessThan(96 * 1024 * 1024);
  });

  test('while others never answer NICK', async () => {
    const { relay, ...room } = await livingRoom('--handshake-timeout', '10m');
    const silent = await Promise.all(Array.from({ length: 100 }, () => connectRaw(relay.port)));
    await Promise.all(silent.map(nonceOf));
    const alice = await joinRaw(room, 'alice');
    const token = seal(alice, 'hello');
    alice.writeLines(token);
    await alice.output.until(lineWith(token));
    expect(silent.every(({ socket }) => !socket.destroyed)).toBe(true);
  });
});

describe('a client', () => {
  test('keeps listening after a token that cannot be decrypted', async () => {
    const relay = await startRelay();
    const room = newRoom(relay.port);
    const peer = await joinRaw(room, 'raw');
    const good = seal(peer, 'before');
    // Modified in the middle; under no key; of the right length but random; and without a message inside.
    const middle = good.length >> 1;
    const tampered = good.slice(0, middle) + (good[middle] === 'A' ? 'B' : 'A') + good.slice(middle + 1);
    const tokens = [good, tampered, fakeToken(), `gAAAA${'A'.repeat(99)}`, seal(peer, 'after')];
    peer.writeLines(...tokens);
    await peer.output.until(lineWith(tokens.at(-1) ?? ''));

    const listener = rxchat(['listen', room.text, '--json', '--after', '0', '-n', '2']);
    expect(await listener.exit).toBe(0);
    const printed = listener.out.lines.map((each) => JSON.parse(each) as Record<string, unknown>);
    expect(printed.map(({ type, position }) => [position, type])).toStrictEqual([
      [2, 'message'],
      [3, 'undecryptable'],
      [4, 'undecryptable'],
      [5, 'undecryptable'],
      [6, 'message'],
    ]);
    expect(printed[1]).toMatchObject({ v: 1, reason: 'wrong key or tampered' });
  });
});

/** Returns random bytes that are the same in every run: xorshift. */
const random = (seed: number): ((n: number) => Buffer) => {
  let x = seed;
  const byte = () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return x & 255;
  };
  return (n) => Buffer.from(Array.from({ length: n }, byte));
};
