import { afterEach, describe, expect, test } from '@jest/globals';
import { type Child, run, rxchat } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { HOUR_TIMERS } from './support/hourTimers.js';
import { newRoom, type Room, startRelay, viaPort } from './support/relay.js';
import { type ChunkHandler, startProxy } from './support/proxy.js';
import { joinRaw, seal } from './support/rawClient.js';
import { lineCount, lineWith } from './support/streamOutput.js';

afterEach(cleanUp);

const seq = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, i) => String(from + i));
const text = (lines: readonly string[]): string => lines.map((each) => `${each}\n`).join('');

/** Parses the output of `listen --json`. */
const objects = ({ out }: Child): Record<string, unknown>[] =>
  out.lines.map((each) => JSON.parse(each) as Record<string, unknown>);
const texts = (child: Child): unknown[] => objects(child).map((each) => each['text']);

const listen = ({ text }: Room, ...flags: string[]): Child => rxchat(['listen', text, '--json', ...flags]);

describe('sending and listening', () => {
  test('two listeners print the same ten thousand lines of a pipe in the same order, and all are stored', async () => {
    const relay = await startRelay();
    const room = newRoom(relay.port);
    const listeners = ['one', 'two'].map((nick) => listen(room, '-n', '10000', '--nick', nick));
    await Promise.all([relay.joined('one'), relay.joined('two')]);

    const send = await run(['send', room.text, '--nick', 'sender'], { input: text(seq(1, 10_000)) });
    expect(send).toStrictEqual({ code: 0, out: '', err: '' });
    // Only now: the exit of `send` means that the relay has stored all lines.
    listeners.push(listen(room, '-n', '10000', '--after', '0'));

    for (const { exit } of listeners) expect(await exit).toBe(0);
    const [one, two, late] = listeners as [Child, Child, Child];
    expect(texts(one)).toStrictEqual(seq(1, 10_000));
    expect(two.out.text).toBe(one.out.text);
    expect(late.out.text).toBe(one.out.text);
    expect(objects(one)[0]).toMatchObject({ v: 1, type: 'message', index: 0, from: { nick: 'sender' } });
  });

  describe('send, although others have received its lines,', () => {
    /** A sender whose lines are in the room while none has come back. */
    const unanswered = async (...flags: readonly string[]) => {
      const relay = await startRelay();
      const room = newRoom(relay.port);
      const other = listen(room, '-n', '3', '--nick', 'other');
      await relay.joined('other');
      const pending = holding();
      const behind = viaPort(await startProxy(relay.port, { down: () => pending.pass }), room);
      const args = ['send', behind.text, '--nick', 'sender', ...flags];
      const send = rxchat(args, { input: 'a\nb\nc\n', env: HOUR_TIMERS });
      expect(await other.exit).toBe(0);
      expect(texts(other)).toStrictEqual(['a', 'b', 'c']);
      return { relay, room, send, release: pending.release };
    };

    test('waits until they have come back', async () => {
      const { relay, room, send, release } = await unanswered();
      // Long enough for another command to start, receive everything and exit.
      expect(await listen(room, '-n', '3', '--after', '0').exit).toBe(0);
      expect(relay.child.err.text).not.toMatch(/"nick":"sender".*"msg":"left"/);
      expect(send.running).toBe(true);
      release();
      expect(await send.exit).toBe(0);
    });

    test('does not report them as stored when the relay is lost first', async () => {
      const { relay, send, release } = await unanswered('--timeout', '1h');
      relay.child.signal('SIGKILL');
      await relay.child.exit;
      release(0);
      await send.err.until(lineWith('offline: '));
      send.signal('SIGUSR2');
      expect(await send.exit).toBe(7);
      expect(send.err.text).toMatch(/sent 0 of (at least )?3, (at least )?3 not confirmed\n$/);
    });
  });

  test("members with different Fernet engines read each other's messages in one room", async () => {
    const relay = await startRelay();
    const room = newRoom(relay.port);
    const engines = ['node', 'fernet'] as const;
    const listeners = engines.map((engine) =>
      listen(room, '-n', '4', '--fernet-engine', engine, '--nick', engine),
    );
    await Promise.all(engines.map((engine) => relay.joined(engine)));

    const sentLines = { node: ['grüße', '{"a":1}'], fernet: ['你好 👋🏽', '  spaces  '] };
    for (const engine of engines) {
      const sent = await run(['send', room.text, '--fernet-engine', engine], {
        input: text(sentLines[engine]),
      });
      expect(sent.code).toBe(0);
    }
    for (const listener of listeners) {
      expect(await listener.exit).toBe(0);
      expect(texts(listener)).toStrictEqual([...sentLines.node, ...sentLines.fernet]);
    }
  });

  test('listen prints one line per message in plain text, and joins and leaves on standard error', async () => {
    const relay = await startRelay();
    const room = newRoom(relay.port);
    const listener = rxchat(['listen', room.text, '--nick', 'ear']);
    await relay.joined('ear');

    const bob = rxchat(['send', room.text, '--nick', 'bob']);
    bob.writeInput('hello\n');
    await listener.out.until(lineCount(1));
    bob.endInput();
    await listener.err.until(({ text }) => text.includes('bob left'));

    expect(listener.out.text).toBe('bob: hello\n');
    expect(listener.err.text).toBe('rxchat: bob joined\nrxchat: bob left\n');
  });

  test('every command accepts an invite from the command line, a file and the environment', async () => {
    const relay = await startRelay();
    const made = await run(['invite', '--port', String(relay.port)]);
    expect(made).toMatchObject({ code: 0, err: '' });
    expect(made.out).toMatch(/^rxchat:\/\/127\.0\.0\.1:\d+\/#[\w-]{43}\n$/);

    const sent = await run(['send', made.out.trim(), '-m', 'hello\nworld']);
    const env = { RXCHAT_INVITE: made.out.trim() };
    const received = await run(['listen', '--after', '0', '-n', '1', '--json'], { env });
    expect([sent.code, received.code]).toStrictEqual([0, 0]);
    expect(JSON.parse(received.out)).toMatchObject({ text: 'hello\nworld' });
  });
});

describe('history of a room', () => {
  const withHistory = async (): Promise<Room> => {
    const relay = await startRelay();
    const room = newRoom(relay.port);
    const peer = await joinRaw(room, 'raw');
    // Position 1 is the announcement of `raw`.
    peer.writeLines(...seq(2, 6).map((n) => seal(peer, n)));
    await peer.output.until(({ lines }) => lines.at(-1)?.startsWith('g') === true && lines.length === 8);
    return room;
  };

  test.each<[string, string[], string[]]>([
    ['the newest few', ['--last', '2'], ['5', '6']],
    ['more than there are', ['--last', '100'], ['2', '3', '4', '5', '6']],
    ['all after a position', ['--after', '3'], ['4', '5', '6']],
    ['everything', ['--after', '0'], ['2', '3', '4', '5', '6']],
  ])('listen begins with %s: %j', async (_, flags, expected) => {
    const room = await withHistory();
    const listener = listen(room, ...flags, '-n', String(expected.length));
    expect(await listener.exit).toBe(0);
    expect(texts(listener)).toStrictEqual(expected);
    expect(objects(listener).map((each) => String(each['position']))).toStrictEqual(expected);
  });

  test('listen begins with new messages when no history flag is given', async () => {
    const room = await withHistory();
    const listener = rxchat(['listen', room.text, '-n', '1', '--nick', 'now']);
    const peer = await joinRaw(room, 'next');
    await peer.output.until(({ text }) => /WELCOME .*members=\S*now/.test(text) || text.includes('now\n'));
    peer.writeLines(seal(peer, 'new'));
    expect(await listener.exit).toBe(0);
    expect(listener.out.text).toBe('next: new\n');
  });
});

/** Passes bytes on until the first token, and holds that and the rest until it is released or dropped. */
const holding = () => {
  let settle: (bytes: number) => void = () => undefined;
  const settled = new Promise<number>((resolve) => (settle = resolve));
  let holds = false;
  const pass: ChunkHandler = async (chunk, on) => {
    const from = holds ? 0 : chunk.indexOf('\ngAAAA') + 1 || (chunk.indexOf('gAAAA') === 0 ? 0 : -1);
    if (from < 0) return on(chunk);
    holds = true;
    if (from > 0) on(chunk.subarray(0, from));
    on(chunk.subarray(from, from + (await settled)));
  };
  return { pass, release: (bytes = Infinity) => settle(bytes) };
};
