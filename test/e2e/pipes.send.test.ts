import { afterEach, describe, expect, test } from '@jest/globals';
import { freeze, newDir, RXCHAT, run, rxchat, start } from './support/child.js';
import { endAll } from './support/endings.js';
import { JSON_SHAPES, shapeOf } from '../support/jsonShapes.js';
import { newRoom, startRelay } from './support/relay.js';
import { line } from './support/said.js';

afterEach(endAll);

const heard = async (room: string, n: number) => {
  const { out } = await run(['listen', room, '--json', '--after', '0', '-n', String(n)]);
  return out
    .trimEnd()
    .split('\n')
    .map((each) => JSON.parse(each) as { text: string; position: number; index: number });
};
const numbers = (n: number): string => Array.from({ length: n }, (_, i) => `${i + 1}\n`).join('');

describe('send --block', () => {
  test('makes one message of all of standard input, without the newline at its end', async () => {
    const room = newRoom((await startRelay()).port).text;
    expect(await run(['send', room, '--block'], { input: '' })).toStrictEqual({ code: 0, out: '', err: '' });
    const sent = await run(['send', room, '--block'], { input: 'one\n\n  two\n\n' });
    expect(sent).toStrictEqual({ code: 0, out: '', err: '' });
    expect((await heard(room, 1)).map(({ text }) => text)).toStrictEqual(['one\n\n  two\n']);
  });

  test.each([
    ['x'.repeat(32_767), 'has 32767 bytes, 32770 in a message,'],
    ['"'.repeat(20_000), 'has 20000 bytes, 40003 in a message,'],
    ['x\n'.repeat(1_000_000), 'is'],
  ])('that is too big ends in 6 before anything is sent', async (input, is) => {
    const room = newRoom((await startRelay()).port).text;
    const sent = await run(['send', room, '--block'], { input });
    const err = `rxchat: the message ${is} over the limit of 32768 bytes; sent 0\n`;
    expect([sent.code, sent.out, sent.err]).toStrictEqual([6, '', err]);
    expect((await run(['send', room, '-m', 'only'])).code).toBe(0);
    expect((await heard(room, 1)).map(({ text }) => text)).toStrictEqual(['only']);
  });
});

describe('send --tee', () => {
  test('copies standard input, byte for byte', async () => {
    const room = newRoom((await startRelay()).port).text;
    const input = `\u001b[31mred\nno newline at the end`;
    expect(await run(['send', room, '--tee'], { input })).toStrictEqual({ code: 0, out: input, err: '' });
  });

  test.each([
    ['--tee', 'copy'],
    ['--json', 'receipts'],
  ])('%s sends all when nobody reads what it prints, and says so once: | head -1', async (flag, what) => {
    const room = newRoom((await startRelay()).port).text;
    const pipeline = '"$0" "$@" | head -1; exit ${PIPESTATUS[0]}';
    for (const quiet of [[], ['--quiet']]) {
      const args = [process.execPath, RXCHAT, 'send', room, flag, '--nick', `n${quiet.length}`, ...quiet];
      const shell = start('bash', ['-c', pipeline, ...args], { input: numbers(50_000) });
      expect(await shell.exit).toBe(0);
      expect(shell.out.lines).toHaveLength(1);
      expect(shell.err.text).toBe(
        quiet.length > 0 ? '' : `rxchat: nobody reads the ${what} any more; sending goes on without\n`,
      );
    }
    expect((await heard(room, 100_000)).at(-1)?.text).toBe('50000');
  });
});

describe('send --json', () => {
  test('prints a receipt for each message, whose place is that which listeners have', async () => {
    const room = newRoom((await startRelay()).port).text;
    const sent = await run(['send', room, '--json'], { input: `${numbers(3000)}\n${numbers(1)}` });
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
      (await heard(room, 3001)).map(({ position, index }) => `${position}/${index}`),
    );
  });

  test.each([['--json'], ['--tee']])('%s onto a full disk ends in 1, and says so', async (flag) => {
    const room = newRoom((await startRelay()).port).text;
    const args = ['send', room, flag];
    const full = rxchat(args, { by: ['bash', '-c', 'exec "$0" "$@" > /dev/full'], input: 'one\n' });
    expect(await full.exit).toBe(1);
    expect(full.err.text).toMatch(/^rxchat: cannot write standard output: no space left on device/m);
  });
});

describe('send --drop', () => {
  test.each([['oldest'], ['newest']])(
    '%s: the writer never waits, and what was dropped is counted',
    async (which) => {
      const relay = await startRelay();
      const room = newRoom(relay.port).text;
      const flags = ['--drop', which, '--tee', '--timeout', '0', '--nick', 'tap'];
      const send = rxchat(['send', room, ...flags]);
      await relay.joined('tap');
      await freeze(relay.child);
      const lines = Array.from({ length: 4000 }, (_, i) => `${i} ${'x'.repeat(1000)}`);
      send.feed(lines.map((each) => `${each}\n`).join(''));
      // All of it was read, although the relay takes nothing.
      await send.out.until(line('3999 '));
      // And somebody who looks is told before it is over.
      await send.err.until(line('rxchat: lines dropped: '));
      relay.child.signal('SIGCONT');
      send.endInput();
      expect(await send.exit).toBe(7);
      const [, stored, dropped] = /^rxchat: sent (\d+) of 4000, (\d+) dropped\n$/m.exec(send.err.text) ?? [];
      expect(Number(stored) + Number(dropped)).toBe(4000);
      const kept = (await heard(room, Number(stored))).map(({ text }) => text);
      // What went out before is there, and then either those that came last or those that came first.
      const missing = lines.filter((each) => !kept.includes(each));
      expect(kept).toStrictEqual(lines.filter((each) => !missing.includes(each)));
      const from = lines.indexOf(missing[0] ?? '');
      expect(missing).toStrictEqual(lines.slice(from, from + Number(dropped)));
      expect(kept.includes(lines.at(-1) ?? '')).toBe(which === 'oldest');
    },
  );

  test('--json tells of it as it happens, its counts make the total, and --quiet leaves the last line', async () => {
    const relay = await startRelay();
    const flags = ['--drop', 'newest', '--json', '--quiet', '--nick', 'tap'];
    const send = rxchat(['send', newRoom(relay.port).text, ...flags]);
    await relay.joined('tap');
    await freeze(relay.child);
    send.feed(`${'x'.repeat(999)}\n`.repeat(3000));
    await send.out.until(line('"type":"dropped"'));
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
  ] as const)('--spool keeps what waits when %s, and the next run sends it', async (_, signal, code) => {
    const relay = await startRelay();
    const room = newRoom(relay.port).text;
    const env = { XDG_STATE_HOME: newDir() };
    const timeout = signal === undefined ? '1s' : '0';
    const flags = ['--drop', 'oldest', '--spool', '--timeout', timeout, '--nick', 'tap'];
    const send = rxchat(['send', room, ...flags], { env });
    await relay.joined('tap');
    await freeze(relay.child);
    send.feed(Array.from({ length: 4000 }, (_, i) => `${i} ${'x'.repeat(1000)}\n`).join(''));
    await send.err.until(line('rxchat: lines dropped: '));
    send.endInput();
    if (signal !== undefined) send.signal(signal);
    expect(await send.exit).toBe(code);
    relay.child.signal('SIGCONT');
    const [, atLeast, dropped, lost] =
      /; sent 0 of (at least )?\d+, (\d+) dropped, (?:at least )?(\d+) not confirmed\n.*hint: lines kept for the next run with --spool: \3\n$/s.exec(
        send.err.text,
      ) ?? [];
    // Whether it had seen the end of its input when the signal came is for the system to say.
    if (atLeast === undefined) expect(Number(dropped) + Number(lost)).toBe(4000);
    expect(await run(['send', room, '--spool'], { env })).toStrictEqual({ code: 0, out: '', err: '' });
    const kept = (await heard(room, Number(lost))).map(({ text }) => Number(text.split(' ')[0]));
    expect(kept).toHaveLength(Number(lost));
    expect(kept).toStrictEqual([...new Set(kept)].sort((a, b) => a - b));
    expect((await run(['send', room, '-m', 'last'])).code).toBe(0);
    expect((await heard(room, kept.length + 1)).at(-1)?.text).toBe('last');
  });

  test.each([40_000, 70_000, 3_000_000])('leaves out a line of %d bytes and counts it', async (size) => {
    const room = newRoom((await startRelay()).port).text;
    const input = `before\n${'x'.repeat(size)}\nafter\n`;
    const sent = await run(['send', room, '--drop', 'newest'], { input });
    expect([sent.code, sent.out]).toStrictEqual([7, '']);
    expect(sent.err).toMatch(/sent 2 of 3, 1 dropped\n$/);
    expect((await heard(room, 2)).map(({ text }) => text)).toStrictEqual(['before', 'after']);
  });

  test('with --long end says what was read before a line that is too long', async () => {
    const room = newRoom((await startRelay()).port).text;
    const input = `before\n${'x'.repeat(70_000)}\nafter\n`;
    const sent = await run(['send', room, '--drop', 'newest', '--long', 'end'], { input });
    expect(sent.code).toBe(6);
    expect(sent.err).toMatch(
      /^rxchat: line 2 has 70000 bytes, over the limit of 32768 bytes;.* was sent; sent 1/,
    );
    expect((await heard(room, 1)).map(({ text }) => text)).toStrictEqual(['before']);
  });

  test('drops nothing where there is room', async () => {
    const room = newRoom((await startRelay()).port).text;
    const sent = await run(['send', room, '--drop', 'oldest'], { input: numbers(20_000) });
    expect(sent).toStrictEqual({ code: 0, out: '', err: '' });
    expect((await heard(room, 20_000)).map(({ text }) => `${text}\n`).join('')).toBe(numbers(20_000));
  });
});

describe('send and lines that are too long', () => {
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
      /^rxchat: lines that were too long and were cut: 1\n$/,
    ],
    ['skip', 7, ['before', 'after'], /sent 2 of 3, 1 dropped\n$/],
  ] as const)('--long %s', async (what, code, lines, err) => {
    const room = newRoom((await startRelay()).port).text;
    const sent = await run(['send', room, '--long', what], { input });
    expect(sent.err).toMatch(err);
    expect([sent.code, sent.out]).toStrictEqual([code, '']);
    expect((await heard(room, lines.length)).map(({ text }) => text)).toStrictEqual(lines);
  });

  test('--long split sends all of it', async () => {
    const room = newRoom((await startRelay()).port).text;
    expect(await run(['send', room, '--long', 'split'], { input })).toStrictEqual({
      code: 0,
      out: '',
      err: '',
    });
    const texts = (await heard(room, 5)).map(({ text }) => text);
    expect([texts[0], texts.slice(1, 4).join(''), texts[4]]).toStrictEqual([
      'before',
      'é'.repeat(35_000),
      'after',
    ]);
  });

  test('the size that is told is the one that wc -c counts', async () => {
    const room = newRoom((await startRelay()).port).text;
    const sent = await run(['send', room], { input: `${'\x01'.repeat(6000)}\n` });
    expect([sent.code, sent.err]).toStrictEqual([
      6,
      'rxchat: line 1 has 6000 bytes, 36003 in a message, over the limit of 32768 bytes; neither it nor what follows was sent; sent 0\n' +
        'rxchat: hint: --long cut, split or skip sends the lines behind it\n',
    ]);
  });

  test('--long is about lines of standard input', async () => {
    const room = newRoom(1).text;
    for (const flags of [['--block'], ['-m', 'x']])
      expect((await run(['send', room, '--long', 'cut', ...flags])).code).toBe(2);
  });

  test('join in a pipe has it too', async () => {
    const room = newRoom((await startRelay()).port).text;
    expect((await run(['join', room, '--long', 'skip'], { input })).code).toBe(0);
    expect((await heard(room, 2)).map(({ text }) => text)).toStrictEqual(['before', 'after']);
  });
});

describe('what send takes from its input', () => {
  test('is without a byte order mark and without the returns of Windows, and tabs are tabs', async () => {
    const room = newRoom((await startRelay()).port).text;
    const input = '\ufefffirst\r\nid\tname\tqty\r\n';
    expect((await run(['send', room, '--nick', 'bob'], { input })).code).toBe(0);
    const { out } = await run(['listen', room, '--after', '0', '-n', '2']);
    expect(out).toBe('bob: first\nbob: id\tname\tqty\n');
  });

  test('is without colours with --strip-ansi', async () => {
    const room = newRoom((await startRelay()).port).text;
    const red = '\u001b[31mred\u001b[0m \u001b]8;;https://example.org\u0007link\u001b]8;;\u0007';
    for (const flags of [['--block'], ['-m', red], ['--drop', 'oldest'], []])
      expect((await run(['send', room, '--strip-ansi', ...flags], { input: `${red}\n` })).code).toBe(0);
    expect((await heard(room, 4)).map(({ text }) => text)).toStrictEqual(Array(4).fill('red link'));
  });
});

describe('send that ends without all receipts', () => {
  const unanswered = async (...flags: readonly string[]) => {
    const relay = await startRelay();
    const send = rxchat(['send', newRoom(relay.port).text, '--nick', 'sender', ...flags]);
    await relay.joined('sender');
    await freeze(relay.child);
    send.feed(numbers(5));
    send.endInput();
    return send;
  };

  test('ends in 7 with the count, although nothing was stored: it was in the room', async () => {
    const send = await unanswered('--timeout', '1s');
    expect([await send.exit, send.out.text, send.err.text]).toStrictEqual([
      7,
      '',
      'rxchat: no receipt for 1 s: the relay does not answer; sent 0 of 5, 5 not confirmed\n',
    ]);
  });
});

test('a closed standard error does not end what it is about', async () => {
  const relay = await startRelay();
  const room = newRoom(relay.port).text;
  const script = 'exec "$0" "$@" 2> >(exec <&-; exit)';
  const ear = rxchat(['listen', room, '--nick', 'ear'], { by: ['bash', '-c', script] });
  await relay.joined('ear');
  for (const text of ['one', 'two']) {
    const sent = await run(['send', room, '-m', text]);
    expect(sent.code).toBe(0);
    await ear.out.until(line(text));
  }
  ear.signal('SIGTERM');
  expect(await ear.exit).toBe(143);
});

test.each([
  [['--tee', '--json'], '--tee and --json would both write to standard output'],
  [['--tee', '-m', 'x'], '--tee is about standard input'],
  [['--block', '--drop', 'oldest'], '--block is one message'],
  [['--drop', 'some'], '--drop is one of oldest, newest'],
  [['--block', '-m', 'x'], '--block is about standard input'],
])('send refuses %j', async (flags, what) => {
  const ran = await run(['send', newRoom(1).text, ...flags]);
  expect(ran.code).toBe(2);
  expect(ran.err).toContain(`rxchat: ${what}`);
});

test.each([[['send']], [['send', '--block']], [['join']]])(
  '%j with a directory in place of its input ends in 1',
  async ([name = '', ...flags]) => {
    const room = newRoom((await startRelay()).port).text;
    const by = ['bash', '-c', 'exec "$0" "$@" < /'];
    const { code, err } = await run([name, room, ...flags], { by });
    expect([code, err]).toStrictEqual([
      1,
      expect.stringContaining('cannot read standard input: it is a directory'),
    ]);
  },
);
