import { afterEach, describe, expect, test } from '@jest/globals';
import { type Child, rxchat } from './support/child.js';
import { endAll } from './support/endings.js';
import { connectPeer, helloFor, nonceOf } from './support/peer.js';
import { type Pass, startProxy } from './support/proxy.js';
import { newRoom, type Room, startRelay, through } from './support/relay.js';
import { line } from './support/said.js';

afterEach(endAll);

const join = ({ text }: Room, nick: string): Child => rxchat(['join', text, '--nick', nick]);
const isIn = ({ out }: Child): Promise<unknown> => out.until(line('-- you are in'));
const saidBy = (nick: string, { out }: Child): string[] =>
  out.lines
    // After the time, and the mark of a key that is verified or not.
    .map((each) => each.slice(6).replace(/^[?\u2713]/, ''))
    .filter((each) => each.startsWith(`${nick}: `))
    .map((each) => each.slice(2 + nick.length));
const texts = ({ out }: Child): string[] =>
  out.lines.map((each) => (JSON.parse(each) as { text: string }).text);

/** The chat that this one descends from had three faults. Each is named here, and cannot happen. */
describe('the three faults of the chat before this one', () => {
  test('it deadlocked when somebody left: here those who stay talk on, whatever way one goes', async () => {
    const relay = await startRelay();
    const room = newRoom(relay.port);
    const stay = [join(room, 'alice'), join(room, 'bob')] as const;
    await Promise.all(stay.map(isIn));
    const [alice, bob] = stay;

    let said = 0;
    const ways: [string, (leaver: Child) => void][] = [
      ['by the end of its input', (leaver) => leaver.endInput()],
      ['by Ctrl+C', (leaver) => leaver.signal('SIGINT')],
      ['by being killed', (leaver) => leaver.signal('SIGKILL')],
    ];
    for (const [i, [, leave]] of ways.entries()) {
      const leaver = join(room, `leaver${i}`);
      await isIn(leaver);
      // It goes in the middle of what the others say.
      alice.feed(`${(said += 1)}\n`);
      leave(leaver);
      alice.feed(`${(said += 1)}\n`);
      await leaver.exit;
      await relay.left(`leaver${i}`);
      bob.feed(`after ${i}\n`);
      await alice.out.until(line(`bob: after ${i}`));
      await bob.out.until(line(`alice: ${said}`));
    }
    expect(saidBy('alice', bob)).toStrictEqual(['1', '2', '3', '4', '5', '6']);
    expect(saidBy('bob', alice)).toStrictEqual(['after 0', 'after 1', 'after 2']);
  });

  test('it accepted nobody while one was slow to give its nickname: here that one is waited for alone', async () => {
    const relay = await startRelay();
    const room = newRoom(relay.port);
    const slow = await connectPeer(relay.port);
    const nonce = await nonceOf(slow);
    const hello = helloFor(nonce, room, 'slow');
    slow.write(hello.slice(0, 20));

    const [alice, bob] = [join(room, 'alice'), join(room, 'bob')];
    await Promise.all([isIn(alice), isIn(bob)]);
    alice.feed('anybody here?\n');
    await bob.out.until(line('alice: anybody here?'));

    // And it is taken in whenever it does.
    slow.write(`${hello.slice(20)}\n`);
    await slow.heard.until(line('WELCOME'));
    bob.feed('slow is\n');
    await slow.heard.until(line('gAAAA'));
  });

  const said = Array.from({ length: 20 }, (_, i) => `${i} ${'größer '.repeat(i * 5)}ende`);
  const listen = ({ text }: Room, nick: string) =>
    rxchat(['listen', text, '--json', '-n', String(said.length), '--nick', nick]);

  test('it lost messages that TCP had split: here a byte at a time comes out whole and in order', async () => {
    const bytes = (): Pass => async (chunk, on) => {
      for (const byte of chunk) {
        on(Uint8Array.of(byte));
        // The next turn, so that they are sent one by one.
        await new Promise(setImmediate);
      }
    };
    const relay = await startRelay();
    const room = newRoom(relay.port);
    const behind = through(await startProxy(relay.port, { up: bytes, down: bytes }), room);
    const listeners = [listen(room, 'near'), listen(behind, 'far')];
    await Promise.all([relay.joined('near'), relay.joined('far')]);

    const send = rxchat(['send', behind.text], { input: said.map((text) => `${text}\n`).join('') });
    expect(await send.exit).toBe(0);
    for (const listener of listeners) {
      expect(await listener.exit).toBe(0);
      expect(texts(listener)).toStrictEqual(said);
    }
  });

  test('it glued messages together that TCP had joined: here they come out apart and in order', async () => {
    const relay = await startRelay();
    const room = newRoom(relay.port);
    const [up, down] = [gathering(said.length), gathering(said.length)];
    const proxy = await startProxy(relay.port, { up: () => up.pass, down: () => down.pass });
    const listener = listen(room, 'near');
    await relay.joined('near');
    const alice = join(through(proxy, room), 'alice');
    await isIn(alice);
    for (const [i, text] of said.entries()) {
      alice.feed(`${text}\n`);
      // Each becomes a token of its own.
      await up.holds(i + 1);
    }
    expect(await listener.exit).toBe(0);
    expect(texts(listener)).toStrictEqual(said);
    await alice.out.until(line(`alice: ${said.at(-1) ?? ''}`));
    expect(saidBy('alice', alice)).toStrictEqual(said);
  });
});

/** Lets a connection through until the first token, and then waits for `n` of them, which it hands on in one write. */
const gathering = (n: number) => {
  const looks: (() => void)[] = [];
  let held = Buffer.alloc(0);
  let tokens = 0;
  const pass: Pass = (chunk, on) => {
    held = Buffer.concat([held, chunk]);
    tokens = held.toString('latin1').match(/^gAAAA.*$/gm)?.length ?? 0;
    for (const look of looks) look();
    if (tokens > 0 && (tokens < n || held.at(-1) !== 10)) return;
    on(held);
    held = Buffer.alloc(0);
  };
  const holds = (count: number) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (tokens >= count) resolve();
      };
      looks.push(look);
      look();
    });
  return { pass, holds };
};
