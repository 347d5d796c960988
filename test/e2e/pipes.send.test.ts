import { afterEach, describe, expect, test } from '@jest/globals';
import { stopProcess, tempDir, RXCHAT, run, rxchat, start } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { JSON_SHAPES, shapeOf } from '../support/jsonShapes.js';
import { newRoom, startRelay } from './support/relay.js';
import { runShared } from './support/runShared.js';
import { lineWith } from './support/streamOutput.js';

afterEach(cleanUp);

const receivedBy = async (room: string, n: number) => {
  const { out } = await runShared(['listen', room, '--json', '--after', '0', '-n', String(n)]);
  return out
    .trimEnd()
    .split('\n')
    .map((each) => JSON.parse(each) as { text: string; position: number; index: number });
};
/**
 * Starts `send` and stops its relay once `send` is in the room.
 *
 * The log of the relay alone does not show that: it can be stopped between its log and `WELCOME`. Another member sees the
 * join after `WELCOME` was written.
 */
const sendToStopped = async (
  nick: string,
  flags: readonly string[],
  options: { env?: Record<string, string> } = {},
) => {
  const relay = await startRelay();
  const room = newRoom(relay.port).text;
  const other = rxchat(['listen', room, '--nick', 'other']);
  await relay.joined('other');
  const send = rxchat(['send', room, '--nick', nick, ...flags], options);
  await other.err.until(lineWith(`${nick} joined`));
  await stopProcess(relay.child);
  return { relay, room, send };
};
const numbers = (n: number): string => Array.from({ length: n }, (_, i) => `${i + 1}\n`).join('');

describe('send --block', () => {
  test('sends all of standard input as one message, without the trailing newline', async () => {
    const room = newRoom((await startRelay()).port).text;
    expect(await runShared(['send', room, '--block'], { input: '' })).toStrictEqual({
      code: 0,
      out: '',
      err: '',
    });
    const sent = await runShared(['send', room, '--block'], { input: 'one\n\n  two\n\n' });
    expect(sent).toStrictEqual({ code: 0, out: '', err: '' });
    expect((await receivedBy(room, 1)).map(({ text }) => text)).toStrictEqual(['one\n\n  two\n']);
  });

  test.each([
    ['x'.repeat(32_767), 'has 32767 bytes, 32770 in a message,'],
    ['"'.repeat(20_000), 'has 20000 bytes, 40003 in a message,'],
    ['x\n'.repeat(1_000_000), 'is'],
  ])('exits 6 before it sends anything when the input is too big', async (input, is) => {
    const room = newRoom((await startRelay()).port).text;
    const sent = await runShared(['send', room, '--block'], { input });
    const err = `rxchat: the message ${is} over the limit of 32768 bytes; sent 0\n`;
    expect([sent.code, sent.out, sent.err]).toStrictEqual([6, '', err]);
    expect((await runShared(['send', room, '-m', 'only'])).code).toBe(0);
    expect((await receivedBy(room, 1)).map(({ text }) => text)).toStrictEqual(['only']);
  });
});

describe('send --tee', () => {
  test('copies standard input byte for byte', async () => {
    const room = newRoom((await startRelay()).port).text;
    const input = `\u001b[31mred\nno newline at the end`;
    expect(await runShared(['send', room, '--tee'], { input })).toStrictEqual({
      code: 0,
      out: input,
      err: '',
    });
  });

  test.each([
    ['--tee', 'copy'],
    ['--json', 'receipts'],
  ])(
    'with %s sends everything and says so once when its output has no reader: | head -1',
    async (flag, what) => {
      const room = newRoom((await startRelay()).port).text;
      const pipeline = '"$0" "$@" | head -1; exit ${PIPESTATUS[0]}';
      for (const quiet of [[], ['--quiet']]) {
        const args = [process.execPath, RXCHAT, 'send', room, flag, '--nick', `n${quiet.length}`, ...quiet];
        const shell = start('bash', ['-c', pipeline, ...args], { input: numbers(50_000) });
        expect(await shell.exit).toBe(0);
        expect(shell.out.lines).toHaveLength(1);
        expect(shell.err.text).toBe(
          quiet.length > 0 ? '' : `rxchat: nobody reads the ${what} any more; sending continues\n`,
        );
      }
      expect((await receivedBy(room, 100_000)).at(-1)?.text).toBe('50000');
    },
  );
});

describe('send --json', () => {
  test('prints a receipt for each message, with the position that listeners print', async () => {
    const room = newRoom((await startRelay()).port).text;
    const sent = await runShared(['send', room, '--json'], { input: `${numbers(3000)}\n${numbers(1)}` });
    expect([sent.code, sent.err]).toStrictEqual([0, '']);
    const receipts = sent.out
      .trimEnd()
      .split('\n')
      .map((each) => JSON.parse(each) as { message: number; position: number; index: number });
    for (const each of receipts) expect(shapeOf(each)).toStrictEqual(JSON_SHAPES.get('stored'));
    expect(receipts.map(({ message }) => message)).toStrictEqual(
      Array.from({ length: 3001 }, (_, i) => i + 1),
    );
    expect(receipts.map(({ position, index }) => `${position}/${index}`)).toStrictEqual(
      (await receivedBy(room, 3001)).map(({ position, index }) => `${position}/${index}`),
    );
  });

  test.each([['--json'], ['--tee']])('%s exits 1 with a message on a full disk', async (flag) => {
    const room = newRoom((await startRelay()).port).text;
    const args = ['send', room, flag];
    const full = rxchat(args, { wrapper: ['bash', '-c', 'exec "$0" "$@" > /dev/full'], input: 'one\n' });
    expect(await full.exit).toBe(1);
    expect(full.err.text).toMatch(/^rxchat: cannot write standard output: no space left on device/m);
  });
});

describe('send --drop', () => {
  test.each([['oldest'], ['newest']])(
    '%s never blocks the writer, and counts dropped lines',
    async (which) => {
      const relay = await startRelay();
      const room = newRoom(relay.port).text;
      const flags = ['--drop', which, '--tee', '--timeout', '0', '--nick', 'tap'];
      const send = rxchat(['send', room, ...flags]);
      await relay.joined('tap');
      await stopProcess(relay.child);
      const lines = Array.from({ length: 4000 }, (_, i) => `${i} ${'x'.repeat(1000)}`);
      send.writeInput(lines.map((each) => `${each}\n`).join(''));
      // All of it was read, although the relay reads nothing.
      await send.out.until(lineWith('3999 '));
      // The drops are reported before the end.
      await send.err.until(lineWith('rxchat: lines dropped: '));
      relay.child.signal('SIGCONT');
      send.endInput();
      expect(await send.exit).toBe(7);
      const [, stored, dropped] = /^rxchat: sent (\d+) of 4000, (\d+) dropped\n$/m.exec(send.err.text) ?? [];
      expect(Number(stored) + Number(dropped)).toBe(4000);
      const retained = (await receivedBy(room, Number(stored))).map(({ text }) => text);
      // The log has what was sent before, then either the newest or the oldest lines.
      const missing = lines.filter((each) => !retained.includes(each));
      expect(retained).toStrictEqual(lines.filter((each) => !missing.includes(each)));
      const from = lines.indexOf(missing[0] ?? '');
      expect(missing).toStrictEqual(lines.slice(from, from + Number(dropped)));
      expect(retained.includes(lines.at(-1) ?? '')).toBe(which === 'oldest');
    },
  );

  test('--json reports each drop as it happens, its counts add up to the total, and --quiet keeps the last line', async () => {
    const relay = await startRelay();
    const flags = ['--drop', 'newest', '--json', '--quiet', '--nick', 'tap'];
    const send = rxchat(['send', newRoom(relay.port).text, ...flags]);
    await relay.joined('tap');
    await stopProcess(relay.child);
    send.writeInput(`${'x'.repeat(999)}\n`.repeat(3000));
    await send.out.until(lineWith('"type":"dropped"'));
    relay.child.signal('SIGCONT');
    send.endInput();
    expect(await send.exit).toBe(7);
    const printed = send.out.lines.map((each) => JSON.parse(each) as Record<string, unknown>);
    const dropped = printed.filter(({ type }) => type === 'dropped');
    for (const each of dropped) expect(shapeOf(each)).toStrictEqual(JSON_SHAPES.get('dropped'));
    const { total } = dropped.at(-1) ?? {};
    expect(dropped.reduce((sum, { count }) => sum + Number(count), 0)).toBe(total);
    const stored = 3000 - Number(total);
    expect(send.err.text).toBe(`rxchat: sent ${stored} of 3000, ${String(total)} dropped\n`);
    expect(printed.filter(({ type }) => type === 'stored')).toHaveLength(stored);
  });

  test.each([
    ['no receipt comes', undefined, 7],
    ['it is interrupted', 'SIGTERM', 143],
  ] as const)('--spool keeps pending lines when %s, and the next run sends them', async (_, signal, code) => {
    const env = { XDG_STATE_HOME: tempDir() };
    const timeout = signal === undefined ? '3s' : '0';
    const flags = ['--drop', 'oldest', '--spool', '--timeout', timeout];
    const { relay, room, send } = await sendToStopped('tap', flags, { env });
    send.writeInput(Array.from({ length: 4000 }, (_, i) => `${i} ${'x'.repeat(1000)}\n`).join(''));
    await send.err.until(lineWith('rxchat: lines dropped: '));
    send.endInput();
    if (signal !== undefined) send.signal(signal);
    expect(await send.exit).toBe(code);
    relay.child.signal('SIGCONT');
    const [, atLeast, dropped, lost] =
      /; sent 0 of (at least )?\d+, (\d+) dropped, (?:at least )?(\d+) not confirmed\n.*hint: lines saved for the next run with --spool: \3\n$/s.exec(
        send.err.text,
      ) ?? [];
    // Whether it had read the end of its input before the signal depends on the system.
    if (atLeast === undefined) expect(Number(dropped) + Number(lost)).toBe(4000);
    expect(await runShared(['send', room, '--spool'], { env })).toStrictEqual({ code: 0, out: '', err: '' });
    const retained = (await receivedBy(room, Number(lost))).map(({ text }) => Number(text.split(' ')[0]));
    expect(retained).toHaveLength(Number(lost));
    expect(retained).toStrictEqual([...new Set(retained)].sort((a, b) => a - b));
    expect((await runShared(['send', room, '-m', 'last'])).code).toBe(0);
    expect((await receivedBy(room, retained.length + 1)).at(-1)?.text).toBe('last');
  });

  test.each([40_000, 70_000, 3_000_000])('omits a line of %d bytes and counts it', async (size) => {
    const room = newRoom((await startRelay()).port).text;
    const input = `before\n${'x'.repeat(size)}\nafter\n`;
    const sent = await runShared(['send', room, '--drop', 'newest'], { input });
    expect([sent.code, sent.out]).toStrictEqual([7, '']);
    expect(sent.err).toMatch(/sent 2 of 3, 1 dropped\n$/);
    expect((await receivedBy(room, 2)).map(({ text }) => text)).toStrictEqual(['before', 'after']);
  });

  test('with --long end reports what was read before a line that is too long', async () => {
    const room = newRoom((await startRelay()).port).text;
    const input = `before\n${'x'.repeat(70_000)}\nafter\n`;
    const sent = await runShared(['send', room, '--drop', 'newest', '--long', 'end'], { input });
    expect(sent.code).toBe(6);
    expect(sent.err).toMatch(
      /^rxchat: line 2 has 70000 bytes, over the limit of 32768 bytes;.* was sent; sent 1/,
    );
    expect((await receivedBy(room, 1)).map(({ text }) => text)).toStrictEqual(['before']);
  });

  test('drops nothing while there is room', async () => {
    const room = newRoom((await startRelay()).port).text;
    const sent = await runShared(['send', room, '--drop', 'oldest'], { input: numbers(20_000) });
    expect(sent).toStrictEqual({ code: 0, out: '', err: '' });
    expect((await receivedBy(room, 20_000)).map(({ text }) => `${text}\n`).join('')).toBe(numbers(20_000));
  });
});

describe('send with lines that are too long', () => {
  const input = `before\n${'é'.repeat(35_000)}\nafter\n`;

  test.each([
    [
      'end',
      6,
      ['before'],
      /line 2 has 70000 bytes, over the limit of 32768 bytes; neither it.*; sent 1\n.*--long/s,
    ],
    [
      'cut',
      0,
      ['before', 'é'.repeat(16_382), 'after'],
      /^rxchat: lines cut because they were too long: 1\n$/,
    ],
    ['skip', 7, ['before', 'after'], /sent 2 of 3, 1 dropped\n$/],
  ] as const)('--long %s', async (what, code, lines, err) => {
    const room = newRoom((await startRelay()).port).text;
    const sent = await runShared(['send', room, '--long', what], { input });
    expect(sent.err).toMatch(err);
    expect([sent.code, sent.out]).toStrictEqual([code, '']);
    expect((await receivedBy(room, lines.length)).map(({ text }) => text)).toStrictEqual(lines);
  });

  test('--long split sends all of it', async () => {
    const room = newRoom((await startRelay()).port).text;
    expect(await runShared(['send', room, '--long', 'split'], { input })).toStrictEqual({
      code: 0,
      out: '',
      err: '',
    });
    const texts = (await receivedBy(room, 5)).map(({ text }) => text);
    expect([texts[0], texts.slice(1, 4).join(''), texts[4]]).toStrictEqual([
      'before',
      'é'.repeat(35_000),
      'after',
    ]);
  });

  test('reports the size that wc -c counts', async () => {
    const room = newRoom((await startRelay()).port).text;
    const sent = await runShared(['send', room], { input: `${'\x01'.repeat(6000)}\n` });
    expect([sent.code, sent.err]).toStrictEqual([
      6,
      'rxchat: line 1 has 6000 bytes, 36003 in a message, over the limit of 32768 bytes; neither it nor what follows was sent; sent 0\n' +
        'rxchat: hint: use --long cut, split or skip to send the lines after it\n',
    ]);
  });

  test('--long applies to lines of standard input', async () => {
    const room = newRoom(1).text;
    for (const flags of [['--block'], ['-m', 'x']])
      expect((await runShared(['send', room, '--long', 'cut', ...flags])).code).toBe(2);
  });

  test('join in a pipe supports --long too', async () => {
    const room = newRoom((await startRelay()).port).text;
    expect((await runShared(['join', room, '--long', 'skip'], { input })).code).toBe(0);
    expect((await receivedBy(room, 2)).map(({ text }) => text)).toStrictEqual(['before', 'after']);
  });
});

describe('the input of send', () => {
  test('loses its byte order mark and carriage returns, and keeps tabs', async () => {
    const room = newRoom((await startRelay()).port).text;
    const input = '\ufefffirst\r\nid\tname\tqty\r\n';
    expect((await runShared(['send', room, '--nick', 'bob'], { input })).code).toBe(0);
    const { out } = await runShared(['listen', room, '--after', '0', '-n', '2']);
    expect(out).toBe('bob: first\nbob: id\tname\tqty\n');
  });

  test('loses its colours with --strip-ansi', async () => {
    const room = newRoom((await startRelay()).port).text;
    const red = '\u001b[31mred\u001b[0m \u001b]8;;https://example.org\u0007link\u001b]8;;\u0007';
    for (const flags of [['--block'], ['-m', red], ['--drop', 'oldest'], []])
      expect((await runShared(['send', room, '--strip-ansi', ...flags], { input: `${red}\n` })).code).toBe(0);
    expect((await receivedBy(room, 4)).map(({ text }) => text)).toStrictEqual(Array(4).fill('red link'));
  });
});

describe('send that ends without all receipts', () => {
  test('exits 7 with the count when it was in the room, even if nothing was stored', async () => {
    const { send } = await sendToStopped('sender', ['--timeout', '3s']);
    send.writeInput(numbers(5));
    send.endInput();
    expect([await send.exit, send.out.text, send.err.text]).toStrictEqual([
      7,
      '',
      'rxchat: no receipt for 3 s: the relay does not answer; sent 0 of 5, 5 not confirmed\n',
    ]);
  });
});

test('send continues when standard error is closed', async () => {
  const relay = await startRelay();
  const room = newRoom(relay.port).text;
  const script = 'exec "$0" "$@" 2> >(exec <&-; exit)';
  const listener = rxchat(['listen', room, '--nick', 'ear'], { wrapper: ['bash', '-c', script] });
  await relay.joined('ear');
  for (const text of ['one', 'two']) {
    const sent = await runShared(['send', room, '-m', text]);
    expect(sent.code).toBe(0);
    await listener.out.until(lineWith(text));
  }
  listener.signal('SIGTERM');
  expect(await listener.exit).toBe(143);
});

test.each([
  [['--tee', '--json'], '--tee and --json would both write to standard output'],
  [['--tee', '-m', 'x'], '--tee applies to standard input'],
  [['--block', '--drop', 'oldest'], '--block sends one message'],
  [['--drop', 'some'], '--drop is one of oldest, newest'],
  [['--block', '-m', 'x'], '--block applies to standard input'],
])('send rejects %j', async (flags, what) => {
  const ran = await runShared(['send', newRoom(1).text, ...flags]);
  expect(ran.code).toBe(2);
  expect(ran.err).toContain(`rxchat: ${what}`);
});

test.each([[['send']], [['send', '--block']], [['join']]])(
  '%j exits 1 when its input is a directory',
  async ([name = '', ...flags]) => {
    const room = newRoom((await startRelay()).port).text;
    const by = ['bash', '-c', 'exec "$0" "$@" < /'];
    const { code, err } = await run([name, room, ...flags], { wrapper: by });
    expect([code, err]).toStrictEqual([
      1,
      expect.stringContaining('cannot read standard input: it is a directory'),
    ]);
  },
);
