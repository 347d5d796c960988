import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Child, tempDir, RXCHAT, rxchat, start } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { newRoom, type Relay, startRelayWithoutProxy } from './support/relay.js';
import { lineCount, lineWith } from './support/streamOutput.js';

afterAll(cleanUp);

/** The number of lines, which the title below states. */
const LINES = Number(process.env['RXCHAT_PIPE_LINES'] ?? 20_000);
const HOW_MANY =
  LINES >= 1_000_000
    ? `${LINES} lines`
    : `${LINES} LINES, NOT A MILLION (RXCHAT_PIPE_LINES=1000000 for that)`;

const HUNG = 600_000;
const SIGNALS = [
  ['SIGHUP', 129],
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const;

/** Checks `seq: 1`, `seq: 2`, …: returns the first line that differs, or the number of lines. */
const inOrder = (lines: readonly string[], nick = 'seq'): number | string => {
  const at = lines.findIndex((each, i) => each !== `${nick}: ${i + 1}`);
  return at < 0 ? lines.length : `line ${at + 1} is ${lines[at] ?? ''}`;
};

const shell = (script: string, args: readonly string[]): Child =>
  start('bash', ['-c', script, process.execPath, RXCHAT, ...args], { input: '' });

describe(`${HOW_MANY} through seq | send | relay | listen`, () => {
  let relay: Relay;
  let room = '';
  let first: Child;
  let sent: Child;

  beforeAll(async () => {
    relay = await startRelayWithoutProxy();
    room = newRoom(relay.port).text;
    first = rxchat(['listen', room, '--nick', 'ear', '-n', String(LINES)]);
    await relay.joined('ear');
    sent = shell(`seq ${LINES} | "$0" "$@"; exit \${PIPESTATUS[1]}`, ['send', room, '--nick', 'seq']);
    await Promise.all([sent.exit, first.exit]);
  }, HUNG);

  test('delivers each line once and in order, and both ends exit 0', async () => {
    expect([await sent.exit, sent.out.text, sent.err.text]).toStrictEqual([0, '', '']);
    expect([await first.exit, inOrder(first.out.lines)]).toStrictEqual([0, LINES]);
  });

  test(
    'delivers each line when it is read later, and loses nothing after the last one in a file',
    async () => {
      const file = join(tempDir(), 'out');
      const next = shell(`exec "$0" "$@" > ${file}`, ['listen', room, '--after', '0', '-n', String(LINES)]);
      expect(await next.exit).toBe(0);
      const text = readFileSync(file, 'utf8');
      expect([text.endsWith('\n'), inOrder(text.split('\n').slice(0, -1))]).toStrictEqual([true, LINES]);
    },
    HUNG,
  );

  test.each([
    ['head -1', 1],
    ['sed 1000q', 1000],
    ['(read -r one; echo "$one")', 1],
    ['(exec <&-; :)', 0],
  ])('listen | %s: listen exits 0 without a message when its reader closes', async (reader, lines) => {
    const piped = shell(`"$0" "$@" | ${reader}; exit \${PIPESTATUS[0]}`, ['listen', room, '--after', '0']);
    expect([await piped.exit, inOrder(piped.out.lines)]).toStrictEqual([0, lines]);
    expect(piped.err.text).not.toMatch(/EPIPE|rror|cannot/);
  });

  test.each([
    ['a full disk', 'exec "$0" "$@" > /dev/full', 'no space left on device'],
    ['one that is full after 100 KiB', '(ulimit -f 100; exec "$0" "$@" > FILE)', 'file size limit exceeded'],
  ])('listen onto %s exits 1 with a message, and the lines written are correct', async (_, script, why) => {
    const file = join(tempDir(), 'out');
    const full = shell(script.replace('FILE', file), ['listen', room, '--after', '0']);
    expect(await full.exit).toBe(1);
    expect(full.err.lines.filter((each) => each.includes('cannot'))).toStrictEqual([
      `rxchat: cannot write standard output: ${why}`,
    ]);
    if (!script.includes('FILE')) return;
    const text = readFileSync(file, 'utf8');
    expect(text).toHaveLength(102_400);
    expect(inOrder(text.split('\n').slice(0, -1))).toBeGreaterThan(1000);
  });

  test.each(SIGNALS)('listen exits on %s in the middle with %i, with whole lines', async (signal, code) => {
    const listen = rxchat(['listen', room, '--after', '0']);
    await listen.out.until(lineCount(1));
    listen.signal(signal);
    expect(await listen.exit).toBe(code);
    expect([listen.out.text.endsWith('\n'), inOrder(listen.out.lines)]).toStrictEqual([
      true,
      listen.out.lines.length,
    ]);
  });

  test.each(SIGNALS)(
    'send exits on %s in the middle with %i, counts the lines it sent, and leaves no hole',
    async (signal, code) => {
      const other = newRoom(relay.port).text;
      const listen = rxchat(['listen', other, '--nick', `ear${code}`]);
      await relay.joined(`ear${code}`);
      const nick = `seq${code}`;
      const send = rxchat(['send', other, '--nick', nick], {
        wrapper: ['bash', '-c', 'exec "$0" "$@" < <(seq 1000000000)'],
      });
      // Of that many lines some have a receipt: at most 128 KiB are read without one.
      await listen.out.until(lineCount(40_000));
      send.signal(signal);
      expect(await send.exit).toBe(code);
      const [, stored] =
        /^rxchat: interrupted; sent (\d+) of at least \d+(?:, at least \d+ not confirmed)?\n$/.exec(
          send.err.text,
        ) ?? [];
      expect(Number(stored)).toBeGreaterThan(0);
      await listen.out.until(lineWith(`${nick}: ${stored ?? ''}`));
      await relay.left(nick);
      listen.signal('SIGTERM');
      await listen.exit;
      expect(inOrder(listen.out.lines, nick)).toBe(listen.out.lines.length);
    },
  );

  test(
    'send --tee exits 1 on a full disk, and sends everything when its reader has closed',
    async () => {
      const other = newRoom(relay.port).text;
      const args = ['send', other, '--nick', 'seq', '--tee'];
      const full = shell(`seq ${LINES} | "$0" "$@" > /dev/full; exit \${PIPESTATUS[1]}`, args);
      expect(await full.exit).toBe(1);
      expect(full.err.text).toMatch(/^rxchat: cannot write standard output: no space left on device/);
      const unread = shell(`seq ${LINES} | "$0" "$@" | head -1; exit \${PIPESTATUS[1]}`, args);
      expect([await unread.exit, unread.out.text]).toStrictEqual([0, '1\n']);
      expect(unread.err.text).toBe('rxchat: nobody reads the copy any more; sending continues\n');
    },
    HUNG,
  );
});
