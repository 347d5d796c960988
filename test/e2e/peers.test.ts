import { afterEach, describe, expect, test } from '@jest/globals';
import { type Child, rxchat } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { connectRaw, helloFor, nonceOf } from './support/rawClient.js';
import { type ChunkHandler, startProxy } from './support/proxy.js';
import { newRoom, type Room, startRelay, viaPort } from './support/relay.js';
import { lineWith } from './support/streamOutput.js';

afterEach(cleanUp);

const join = ({ text }: Room, nick: string): Child => rxchat(['join', text, '--nick', nick]);
const isIn = ({ out }: Child): Promise<unknown> => out.until(lineWith('-- you are in'));
const sentBy = (nick: string, { out }: Child): string[] =>
  out.lines
    // After the time and the mark for a verified key.
    .map((each) => each.slice(6).replace(/^[?\u2713]/, ''))
    .filter((each) => each.startsWith(`${nick}: `))
    .map((each) => each.slice(2 + nick.length));
const texts = ({ out }: Child): string[] =>
  out.lines.map((each) => (JSON.parse(each) as { text: string }).text);

/** The original chat had three errors. Each is named here, and cannot occur. */
describe('four errors of the original chat do not occur:', () => {
  test('no deadlock when a member leaves in any way; the others keep talking', async () => {
    const relay = await startRelay();
    const room = newRoom(relay.port);
    const stay = [join(room, 'alice'), join(room, 'bob')] as const;
    await Promise.all(stay.map(isIn));
    const [alice, bob] = stay;

    let sent = 0;
    const ways: [string, (leaver: Child) => void][] = [
      ['by the end of its input', (leaver) => leaver.endInput()],
      ['by Ctrl+C', (leaver) => leaver.signal('SIGINT')],
      ['by being killed', (leaver) => leaver.signal('SIGKILL')],
    ];
    for (const [i, [, leave]] of ways.entries()) {
      const leaver = join(room, `leaver${i}`);
      await isIn(leaver);
      // It leaves while the others are talking.
      alice.writeInput(`${(sent += 1)}\n`);
      leave(leaver);
      alice.writeInput(`${(sent += 1)}\n`);
      await leaver.exit;
      await relay.left(`leaver${i}`);
      bob.writeInput(`after ${i}\n`);
      await alice.out.until(lineWith(`bob: after ${i}`));
      await bob.out.until(lineWith(`alice: ${sent}`));
    }
    expect(sentBy('alice', bob)).toStrictEqual(['1', '2', '3', '4', '5', '6']);
    expect(sentBy('bob', alice)).toStrictEqual(['after 0', 'after 1', 'after 2']);
  });

  test('others are admitted while one client is slow to give its nickname', async () => {
    // The relay waits longer than the others take.
    const relay = await startRelay('--handshake-timeout', '10m');
    const room = newRoom(relay.port);
    const slow = await connectRaw(relay.port);
    const nonce = await nonceOf(slow);
    const hello = helloFor(nonce, room, 'slow');
    slow.write(hello.slice(0, 20));

    const [alice, bob] = [join(room, 'alice'), join(room, 'bob')];
    await Promise.all([isIn(alice), isIn(bob)]);
    alice.writeInput('anybody here?\n');
    await bob.out.until(lineWith('alice: anybody here?'));

    // It is admitted whenever it answers.
    slow.write(`${hello.slice(20)}\n`);
    await slow.output.until(lineWith('WELCOME'));
    bob.writeInput('slow is\n');
    await slow.output.until(lineWith('gAAAA'));
  });

  const sentLines = Array.from({ length: 20 }, (_, i) => `${i} ${'größer '.repeat(i * 5)}ende`);
  const listen = ({ text }: Room, nick: string) =>
    rxchat(['listen', text, '--json', '-n', String(sentLines.length), '--nick', nick]);

  test('messages that TCP has split byte by byte arrive whole and in order', async () => {
    const bytes = (): ChunkHandler => async (chunk, on) => {
      for (const byte of chunk) {
        on(Uint8Array.of(byte));
        // The next tick, so that the bytes are sent one by one.
        await new Promise(setImmediate);
      }
    };
    const relay = await startRelay();
    const room = newRoom(relay.port);
    const behind = viaPort(await startProxy(relay.port, { up: bytes, down: bytes }), room);
    const listeners = [listen(room, 'near'), listen(behind, 'far')];
    await Promise.all([relay.joined('near'), relay.joined('far')]);

    // All lines are one token, so no receipt comes before the last byte: on a slow machine later than the default allows.
    const send = rxchat(['send', behind.text, '--timeout', '0'], {
      input: sentLines.map((text) => `${text}\n`).join(''),
    });
    expect(await send.exit).toBe(0);
    for (const listener of listeners) {
      expect(await listener.exit).toBe(0);
      expect(texts(listener)).toStrictEqual(sentLines);
    }
  });

  test('messages that TCP has joined arrive apart and in order', async () => {
    const relay = await startRelay();
    const room = newRoom(relay.port);
    const [up, down] = [coalescing(sentLines.length), coalescing(sentLines.length)];
    const proxy = await startProxy(relay.port, { up: () => up.pass, down: () => down.pass });
    const listener = listen(room, 'near');
    await relay.joined('near');
    const alice = join(viaPort(proxy, room), 'alice');
    await isIn(alice);
    for (const [i, text] of sentLines.entries()) {
      alice.writeInput(`${text}\n`);
      // Each line becomes a token of its own.
      await up.holds(i + 1);
    }
    expect(await listener.exit).toBe(0);
    expect(texts(listener)).toStrictEqual(sentLines);
    await alice.out.until(lineWith(`alice: ${sentLines.at(-1) ?? ''}`));
    expect(sentBy('alice', alice)).toStrictEqual(sentLines);
  });
});

/** Passes bytes on until the first token, then waits for `n` tokens and passes them on in one write. */
const coalescing = (n: number) => {
  const looks: (() => void)[] = [];
  let pending = Buffer.alloc(0);
  let tokens = 0;
  const pass: ChunkHandler = (chunk, on) => {
    pending = Buffer.concat([pending, chunk]);
    tokens = pending.toString('latin1').match(/^gAAAA.*$/gm)?.length ?? 0;
    for (const look of looks) look();
    if (tokens > 0 && (tokens < n || pending.at(-1) !== 10)) return;
    on(pending);
    pending = Buffer.alloc(0);
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
