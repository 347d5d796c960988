import { afterEach, describe, expect, test } from '@jest/globals';
import { type Child, RXCHAT, run, rxchat, start } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { joinRaw, seal } from './support/rawClient.js';
import { type ChunkHandler, startProxy } from './support/proxy.js';
import { newRoom, startRelay, viaPort } from './support/relay.js';
import { lineCount, lineWith } from './support/streamOutput.js';

afterEach(cleanUp);

const messages = ({ out }: Child): string[] =>
  out.lines.map((each) => (JSON.parse(each) as { text: string }).text);

test.each([[[]], [['--json']]])(
  'listen %j exits 0 without a message when its reader has closed: | head -1',
  async (flags) => {
    const relay = await startRelay();
    const room = newRoom(relay.port);
    const peer = await joinRaw(room, 'raw');
    const pipeline = '"$0" "$@" --nick ear | head -1; exit ${PIPESTATUS[0]}';
    const shell = start('bash', ['-c', pipeline, process.execPath, RXCHAT, 'listen', room.text, ...flags]);
    await relay.joined('ear');

    // It notices at its next write after `head` has exited, so another client keeps sending.
    for (let sent = 1; shell.running; sent += 1) {
      const token = seal(peer, String(sent));
      peer.writeLines(token);
      await peer.output.until(lineWith(token));
    }
    expect(await shell.exit).toBe(0);
    expect(shell.out.lines).toHaveLength(1);
    expect(shell.err.text).not.toMatch(/EPIPE|rror/);
  },
);

describe('the output of every command', () => {
  const commands = [
    ['--version'],
    ['--help'],
    ['listen', '--help'],
    ['invite'],
    ['key'],
    ['check'],
    ['completion', 'zsh'],
  ];
  // The reader has certainly exited before the command starts.
  const unread = 'exec 3> >(:); wait $!; exec "$0" "$@" >&3';

  test.each(commands.map((args) => [args]))(
    '%j exits 0 without a message when nobody reads it',
    async (args) => {
      const { exit, err } = start('bash', ['-c', unread, process.execPath, RXCHAT, ...args]);
      expect([await exit, err.text]).toStrictEqual([0, '']);
    },
  );

  test.each([[['--version']], [['--help']], [['invite']]])(
    '%j exits 1 with a message when the disk is full',
    async (args) => {
      const full = 'exec "$0" "$@" > /dev/full';
      const { exit, err } = start('bash', ['-c', full, process.execPath, RXCHAT, ...args]);
      expect([await exit, err.text]).toStrictEqual([
        1,
        'rxchat: cannot write standard output: no space left on device\n',
      ]);
    },
  );

  test('keeps its exit code when nobody reads the errors', async () => {
    const { exit } = start('bash', ['-c', `${unread} 2>&1`, process.execPath, RXCHAT, 'liste']);
    expect(await exit).toBe(2);
  });
});

test('listen exits 1 with a message when it cannot write what it received', async () => {
  const relay = await startRelay();
  const room = newRoom(relay.port);
  const sent = await run(['send', room.text, '-m', 'hello']);
  const args = [process.execPath, RXCHAT, 'listen', room.text, '--after', '0'];
  const shell = start('bash', ['-c', 'exec "$0" "$@" > /dev/full', ...args]);
  expect([sent.code, await shell.exit]).toStrictEqual([0, 1]);
  expect(shell.err.text).toMatch(/^rxchat: cannot write standard output: no space left on device$/m);
});

test('send leaves whole lines from the first on when it is killed, and no reader sees a partial one', async () => {
  const relay = await startRelay();
  const room = newRoom(relay.port);
  const listener = rxchat(['listen', room.text, '--json', '--nick', 'ear']);
  await relay.joined('ear');

  const send = rxchat(['send', room.text, '--nick', 'killed']);
  const long = (n: number) => `${n} ${'x'.repeat(n % 1000)}`;
  send.writeInput(Array.from({ length: 20_000 }, (_, i) => `${long(i)}\n`).join(''));
  await listener.out.until(lineCount(1000));
  send.signal('SIGKILL');
  expect(await send.exit).toBe('SIGKILL');
  await relay.left('killed');

  expect((await run(['send', room.text, '-m', 'done'])).code).toBe(0);
  await listener.out.until(lineWith('"text":"done"'));
  const stored = messages(listener).slice(0, -1);
  expect(stored).toStrictEqual(stored.map((_, i) => long(i)));
  expect(listener.running).toBe(true);
});

test('send reads no faster than the relay answers, and blocks its writer', async () => {
  const relay = await startRelay();
  const room = newRoom(relay.port);
  let sent = 0;
  let answering = (): void => undefined;
  const answered = new Promise<void>((resolve) => (answering = resolve));
  const up = (): ChunkHandler => (chunk, on) => {
    sent += chunk.length;
    on(chunk);
  };
  const down = (): ChunkHandler => async (chunk, on) => {
    if (sent > 100_000) await answered;
    on(chunk);
  };
  const behind = viaPort(await startProxy(relay.port, { up, down }), room);
  const input = `${'x'.repeat(999)}\n`.repeat(10_000);
  const send = rxchat(['send', behind.text], { input });

  // Two whole commands later it would have sent everything if it had read on.
  for (const after of ['0', '1']) await run(['listen', room.text, '--after', after, '-n', '1']);
  expect(sent).toBeGreaterThan(0);
  expect(sent).toBeLessThan(1_000_000);
  answering();
  expect(await send.exit).toBe(0);
  expect(sent).toBeGreaterThan(input.length);
});

test('send delivers more through a relay than it keeps, and gets a receipt for all of it', async () => {
  const relay = await startRelay('--window', '262144');
  const { text } = newRoom(relay.port);
  const input = Array.from({ length: 20_000 }, (_, i) => `${i} ${'x'.repeat(200)}\n`).join('');
  expect(await run(['send', text], { input })).toStrictEqual({ code: 0, out: '', err: '' });
});

test('send accepts standard input without a trailing newline, or empty', async () => {
  const relay = await startRelay();
  const { text } = newRoom(relay.port);
  for (const input of ['', '\n\n', 'one\n\ntwo'])
    expect(await run(['send', text], { input })).toStrictEqual({ code: 0, out: '', err: '' });
  const listener = rxchat(['listen', text, '--json', '--after', '0', '-n', '2']);
  expect(await listener.exit).toBe(0);
  expect(messages(listener)).toStrictEqual(['one', 'two']);
});

test('join in pipes prints plain lines without terminal sequences', async () => {
  const relay = await startRelay();
  const room = newRoom(relay.port);
  const alice = rxchat(['join', room.text, '--nick', 'alice'], { env: { TERM: 'xterm-256color' } });
  await alice.out.until(lineWith('you are in'));
  const bob = rxchat(['join', room.text, '--nick', 'bob'], { env: { TERM: 'xterm-256color' } });
  await alice.out.until(lineWith('--> bob joined'));

  alice.writeInput('hello bob\n');
  await bob.out.until(lineWith('alice: hello bob'));
  bob.writeInput('hello \u001b[31malice\u0007\n/who\n');
  await alice.out.until(lineWith('bob: /who'));
  await bob.out.until(lineWith('bob: /who'));
  bob.endInput();
  await alice.out.until(lineWith('<-- bob left'));
  expect(await bob.exit).toBe(0);
  alice.endInput();
  expect(await alice.exit).toBe(0);

  expect(bob.out.text).toMatch(
    /^-- you are in, with alice\n\d\d:\d\d \u2713alice: hello bob\n\d\d:\d\d bob: hello ␛\[31malice␇\n\d\d:\d\d bob: \/who\n$/,
  );
  // Only text and newlines.
  for (const { out, err } of [alice, bob]) expect(out.text + err.text).not.toMatch(/(?!\n)\p{Cc}/u);
});
