import { afterEach, describe, expect, test } from '@jest/globals';
import { type Child, residentMemory, rxchat } from './support/child.js';
import { endAll } from './support/endings.js';
import { connectPeer, fakeToken, helloFor, joinPeer, nonceOf, type Peer, seal } from './support/peer.js';
import { newRoom, type Relay, type Room, startRelay } from './support/relay.js';
import { count, line } from './support/said.js';

afterEach(endAll);

interface LivingRoom extends Room {
  readonly relay: Relay;
  /** Something is said, and heard after all that was said before and nothing else. */
  readonly goesOn: () => Promise<void>;
}

/** A room in which somebody listens and somebody else talks, whatever happens around them. */
const livingRoom = async (): Promise<LivingRoom> => {
  const relay = await startRelay();
  const room = newRoom(relay.port);
  const speaker = await joinPeer(room, 'speaker');
  const listener = rxchat(['listen', room.text, '--json', '--nick', 'ear']);
  await relay.joined('ear');

  const said: string[] = [];
  const goesOn = async () => {
    const text = String(said.length + 1);
    said.push(text);
    speaker.say(seal(speaker, text));
    await listener.out.until(count(said.length));
    expect(textsOf(listener)).toStrictEqual(said);
    expect(listener.running).toBe(true);
  };
  await goesOn();
  return { ...room, relay, goesOn };
};

const textsOf = ({ out }: Child): unknown[] =>
  out.lines.map((each) => (JSON.parse(each) as Record<string, unknown>)['text']);

/** The relay has said `ERR code …` last, and has closed. */
const refused = async ({ heard, closed }: Peer, code: string | RegExp): Promise<void> => {
  const said = await heard.until(({ lines }) => lines.findLast((each) => each.startsWith('ERR ')));
  expect(said).toMatch(new RegExp(`^ERR ${typeof code === 'string' ? code : code.source} \\S.*$`));
  await closed;
  expect(heard.lines.at(-1)).toBe(said);
};

const LIMIT = 65_536;
const endless = (): Buffer => Buffer.alloc(LIMIT + 1, 'x');

/** What wrong bytes there are, and what the relay says to them. */
const RUBBISH: [string, string | Uint8Array, RegExp][] = [
  ['a line over the limit', `${'x'.repeat(LIMIT)}\n`, /line-too-long/],
  ['an endless line', endless(), /line-too-long/],
  ['binary rubbish', Buffer.from([0xff, 0x00, 0x13, 0x37, 0x80, 0x0a]), /bad-line/],
  ['NUL', '\0\n', /bad-line/],
  ['invalid UTF-8', Buffer.from('NICK \xc3\x28\n', 'latin1'), /bad-line/],
  ['an empty line', '\n', /bad-line/],
  ['an HTTP request', 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n', /bad-line/],
  ['a control that only the relay says', 'WELCOME log=x next=1 first=1 from=1\n', /bad-line/],
];

describe('wrong bytes end that one connection, with a reason', () => {
  test('in place of the answer to NICK, where nobody else ever hears of it', async () => {
    const { relay, goesOn } = await livingRoom();
    for (const [, bytes, code] of RUBBISH) {
      const peer = await connectPeer(relay.port);
      peer.write(bytes);
      await refused(peer, code);
      await goesOn();
    }
  });

  test.each(RUBBISH)('where a token is due: %s', async (_, bytes, code) => {
    const room = await livingRoom();
    const peer = await joinPeer(room, 'mallory');
    peer.write(bytes);
    await refused(peer, code);
    await room.relay.left('mallory');
    await room.goesOn();
  });

  test.each<[string, string, RegExp]>([
    ['a control that only the relay says', 'GAP 1 2', /bad-line/],
    ['a second answer to NICK', 'NICK mallory', /bad-line/],
    ['an announcement of its own making', '+alice', /bad-line/],
    ['a token that was cut', fakeToken().slice(0, -2), /bad-line/],
    ['a token with something behind it', `${fakeToken()} `, /bad-line/],
    ['a token with a carriage return', `${fakeToken()}\r`, /bad-line/],
    ['plaintext', 'hello everybody', /bad-line/],
  ])('where a token is due: %s', async (_, words, code) => {
    const room = await livingRoom();
    const peer = await joinPeer(room, 'mallory');
    peer.say(words);
    await refused(peer, code);
    await room.goesOn();
  });

  test('what came before the wrong line is delivered, what comes after it is not', async () => {
    const room = await livingRoom();
    const [mallory, witness] = [await joinPeer(room, 'mallory'), await joinPeer(room, 'witness')];
    const [before, after] = [fakeToken(), fakeToken()];
    mallory.say(before, 'wrong', after);
    await refused(mallory, 'bad-line');
    await witness.heard.until(line('-mallory'));
    expect(witness.heard.lines).toContain(before);
    expect(witness.heard.lines).not.toContain(after);
  });
});

describe('a proof', () => {
  test('that somebody else made is refused', async () => {
    const { relay, goesOn, ...room } = await livingRoom();
    const peer = await connectPeer(relay.port);
    const { secret } = newRoom(relay.port);
    const theirs = helloFor(await nonceOf(peer), room, 'mallory');
    const ours = helloFor(await nonceOf(peer), { secret }, 'mallory');
    // Their room, our key.
    peer.say(theirs.replace(/proof=\S+/, /proof=\S+/.exec(ours)?.[0] ?? ''));
    await refused(peer, 'bad-proof');
    await goesOn();
  });

  test('that was good for another connection is refused', async () => {
    const room = await livingRoom();
    const [alice, mallory] = await Promise.all([connectPeer(room.port), connectPeer(room.port)]);
    const hello = helloFor(await nonceOf(alice), room, 'alice');
    await nonceOf(mallory);
    mallory.say(hello);
    await refused(mallory, 'bad-proof');
    alice.say(hello);
    await alice.heard.until(line('WELCOME'));
  });

  test('does not hold under another nick', async () => {
    const room = await livingRoom();
    const peer = await connectPeer(room.port);
    peer.say(helloFor(await nonceOf(peer), room, 'mallory').replace('NICK mallory', 'NICK alice'));
    await refused(peer, 'bad-proof');
  });
});

describe('the relay goes on serving', () => {
  test('after a thousand connections of random bytes', async () => {
    const { relay, goesOn } = await livingRoom();
    const before = residentMemory(relay.child.pid);
    const next = random(20_261_122);
    for (let batch = 0; batch < 10; batch += 1) {
      const peers = await Promise.all(Array.from({ length: 100 }, () => connectPeer(relay.port)));
      for (const { socket } of peers) socket.end(next(1 + (next(2).readUInt16LE() % 8192)));
      await Promise.all(peers.map(({ closed }) => closed));
      await goesOn();
    }
    // Mentioned or counted; who came after the last that was mentioned is neither yet.
    const turnedAway = relay.child.err.lines.filter((each) => each.includes('turned away'));
    const told = turnedAway.map(
      (each) => 1 + ((JSON.parse(each) as { unmentioned?: number }).unmentioned ?? 0),
    );
    const sum = told.reduce((all, each) => all + each, 0);
    expect(turnedAway.length).toBeLessThan(1000);
    expect(sum).toBeGreaterThan(turnedAway.length);
    expect(sum).toBeLessThanOrEqual(1000);
    expect(residentMemory(relay.child.pid) - before).toBeLessThan(64 * 1024 * 1024);
  });

  test('while others send endless lines, which it does not keep', async () => {
    const { relay, goesOn } = await livingRoom();
    const before = residentMemory(relay.child.pid);
    const peers = await Promise.all(Array.from({ length: 100 }, () => connectPeer(relay.port)));
    for (const { socket } of peers) socket.on('error', () => undefined).write(Buffer.alloc(1 << 21, 'x'));
    await Promise.all(peers.map(({ closed }) => closed));
    await goesOn();
    expect(residentMemory(relay.child.pid) - before).toBeLessThan(96 * 1024 * 1024);
  });

  test('while others never answer NICK', async () => {
    const { relay, ...room } = await livingRoom();
    const silent = await Promise.all(Array.from({ length: 100 }, () => connectPeer(relay.port)));
    await Promise.all(silent.map(nonceOf));
    const alice = await joinPeer(room, 'alice');
    const token = seal(alice, 'hello');
    alice.say(token);
    await alice.heard.until(line(token));
    expect(silent.every(({ socket }) => !socket.destroyed)).toBe(true);
  });
});

describe('a client goes on', () => {
  test('listening after a token that does not open', async () => {
    const relay = await startRelay();
    const room = newRoom(relay.port);
    const peer = await joinPeer(room, 'raw');
    const good = seal(peer, 'before');
    // Tampered with in its middle; made under no key; of the right length but of nothing; and no message inside.
    const middle = good.length >> 1;
    const tampered = good.slice(0, middle) + (good[middle] === 'A' ? 'B' : 'A') + good.slice(middle + 1);
    const tokens = [good, tampered, fakeToken(), `gAAAA${'A'.repeat(99)}`, seal(peer, 'after')];
    peer.say(...tokens);
    await peer.heard.until(line(tokens.at(-1) ?? ''));

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

/** Random bytes that are the same in every run: xorshift. */
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
