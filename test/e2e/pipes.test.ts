import { afterEach, describe, expect, test } from '@jest/globals';
import { type Child, RXCHAT, run, rxchat, start } from './support/child.js';
import { endAll } from './support/endings.js';
import { joinPeer, seal } from './support/peer.js';
import { type Pass, startProxy } from './support/proxy.js';
import { newRoom, startRelay, through } from './support/relay.js';
import { count, line } from './support/said.js';

afterEach(endAll);

const messages = ({ out }: Child): string[] =>
  out.lines.map((each) => (JSON.parse(each) as { text: string }).text);

test.each([[[]], [['--json']]])(
  'listen %j ends quietly in 0 when nobody reads it any more: | head -1',
  async (flags) => {
    const relay = await startRelay();
    const room = newRoom(relay.port);
    const peer = await joinPeer(room, 'raw');
    const pipeline = '"$0" "$@" --nick ear | head -1; exit ${PIPESTATUS[0]}';
    const shell = start('bash', ['-c', pipeline, process.execPath, RXCHAT, 'listen', room.text, ...flags]);
    await relay.joined('ear');

    // It notices at its next write after `head` has gone; until then somebody goes on talking.
    for (let said = 1; shell.running; said += 1) {
      const token = seal(peer, String(said));
      peer.say(token);
      await peer.heard.until(line(token));
    }
    expect(await shell.exit).toBe(0);
    expect(shell.out.lines).toHaveLength(1);
    expect(shell.err.text).not.toMatch(/EPIPE|rror/);
  },
);

describe('what every command prints', () => {
  const commands = [
    ['--version'],
    ['--help'],
    ['listen', '--help'],
    ['invite'],
    ['key'],
    ['check'],
    ['completion', 'zsh'],
  ];
  // The reader has gone for certain before the command starts.
  const unread = 'exec 3> >(:); wait $!; exec "$0" "$@" >&3';

  test.each(commands.map((args) => [args]))('%j, ends it quietly in 0 when nobody reads it', async (args) => {
    const { exit, err } = start('bash', ['-c', unread, process.execPath, RXCHAT, ...args]);
    expect([await exit, err.text]).toStrictEqual([0, '']);
  });

  test.each([[['--version']], [['--help']], [['invite']]])(
    '%j, ends it in 1 with a line when the disk is full',
    async (args) => {
      const full = 'exec "$0" "$@" > /dev/full';
      const { exit, err } = start('bash', ['-c', full, process.execPath, RXCHAT, ...args]);
      expect([await exit, err.text]).toStrictEqual([
        1,
        'rxchat: cannot write standard output: no space left on device\n',
      ]);
    },
  );

  test('ends it with its own code when nobody reads what is wrong', async () => {
    const { exit } = start('bash', ['-c', `${unread} 2>&1`, process.execPath, RXCHAT, 'liste']);
    expect(await exit).toBe(2);
  });
});

test('listen ends in 1 when what it heard cannot be written, and says so', async () => {
  const relay = await startRelay();
  const room = newRoom(relay.port);
  const sent = await run(['send', room.text, '-m', 'hello']);
  const args = [process.execPath, RXCHAT, 'listen', room.text, '--after', '0'];
  const shell = start('bash', ['-c', 'exec "$0" "$@" > /dev/full', ...args]);
  expect([sent.code, await shell.exit]).toStrictEqual([0, 1]);
  expect(shell.err.text).toMatch(/^rxchat: cannot write standard output: no space left on device$/m);
});

test('send that is killed in the middle leaves whole lines from the first on, and nobody sees a torn one', async () => {
  const relay = await startRelay();
  const room = newRoom(relay.port);
  const listener = rxchat(['listen', room.text, '--json', '--nick', 'ear']);
  await relay.joined('ear');

  const send = rxchat(['send', room.text, '--nick', 'killed']);
  const long = (n: number) => `${n} ${'x'.repeat(n % 1000)}`;
  send.feed(Array.from({ length: 20_000 }, (_, i) => `${long(i)}\n`).join(''));
  await listener.out.until(count(1000));
  send.signal('SIGKILL');
  expect(await send.exit).toBe('SIGKILL');
  await relay.left('killed');

  expect((await run(['send', room.text, '-m', 'done'])).code).toBe(0);
  await listener.out.until(line('"text":"done"'));
  const stored = messages(listener).slice(0, -1);
  expect(stored).toStrictEqual(stored.map((_, i) => long(i)));
  expect(listener.running).toBe(true);
});

test('send reads no faster than the relay answers, so that whoever writes to it waits', async () => {
  const relay = await startRelay();
  const room = newRoom(relay.port);
  let sent = 0;
  let answering = (): void => undefined;
  const answered = new Promise<void>((resolve) => (answering = resolve));
  const up = (): Pass => (chunk, on) => {
    sent += chunk.length;
    on(chunk);
  };
  const down = (): Pass => async (chunk, on) => {
    if (sent > 100_000) await answered;
    on(chunk);
  };
  const behind = through(await startProxy(relay.port, { up, down }), room);
  const input = `${'x'.repeat(999)}\n`.repeat(10_000);
  const send = rxchat(['send', behind.text], { input });

  // Two whole commands later it has had time to send all of it, had it read on.
  for (const after of ['0', '1']) await run(['listen', room.text, '--after', after, '-n', '1']);
  expect(sent).toBeGreaterThan(0);
  expect(sent).toBeLessThan(1_000_000);
  answering();
  expect(await send.exit).toBe(0);
  expect(sent).toBeGreaterThan(input.length);
});

test('send brings more through a relay than that keeps, and knows that all of it was stored', async () => {
  const relay = await startRelay('--window', '262144');
  const { text } = newRoom(relay.port);
  const input = Array.from({ length: 20_000 }, (_, i) => `${i} ${'x'.repeat(200)}\n`).join('');
  expect(await run(['send', text], { input })).toStrictEqual({ code: 0, out: '', err: '' });
});

test('standard input that ends without a newline, or that is empty, is no trouble', async () => {
  const relay = await startRelay();
  const { text } = newRoom(relay.port);
  for (const input of ['', '\n\n', 'one\n\ntwo'])
    expect(await run(['send', text], { input })).toStrictEqual({ code: 0, out: '', err: '' });
  const listener = rxchat(['listen', text, '--json', '--after', '0', '-n', '2']);
  expect(await listener.exit).toBe(0);
  expect(messages(listener)).toStrictEqual(['one', 'two']);
});

test('join in pipes talks plainly: lines in, lines out, and nothing that a terminal would need', async () => {
  const relay = await startRelay();
  const room = newRoom(relay.port);
  const alice = rxchat(['join', room.text, '--nick', 'alice'], { env: { TERM: 'xterm-256color' } });
  await alice.out.until(line('you are in'));
  const bob = rxchat(['join', room.text, '--nick', 'bob'], { env: { TERM: 'xterm-256color' } });
  await alice.out.until(line('--> bob joined'));

  alice.feed('hello bob\n');
  await bob.out.until(line('alice: hello bob'));
  bob.feed('hello \u001b[31malice\u0007\n/who\n');
  await alice.out.until(line('bob: /who'));
  await bob.out.until(line('bob: /who'));
  bob.endInput();
  await alice.out.until(line('<-- bob left'));
  expect(await bob.exit).toBe(0);
  alice.endInput();
  expect(await alice.exit).toBe(0);

  expect(bob.out.text).toMatch(
    /^-- you are in, with alice\n\d\d:\d\d \u2713alice: hello bob\n\d\d:\d\d bob: hello ␛\[31malice␇\n\d\d:\d\d bob: \/who\n$/,
  );
  // Nothing but text and ends of lines.
  for (const { out, err } of [alice, bob]) expect(out.text + err.text).not.toMatch(/(?!\n)\p{Cc}/u);
});
