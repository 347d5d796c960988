import { afterEach, describe, expect, test } from '@jest/globals';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Child, tempDir, rxchat } from './support/child.js';
import { JSON_SHAPES, shapeOf } from '../support/jsonShapes.js';
import { cleanUp } from './support/cleanup.js';
import { newRoom, startRelay } from './support/relay.js';
import { runShared } from './support/runShared.js';
import { lineCount, lineWith } from './support/streamOutput.js';

afterEach(cleanUp);

const texts = (out: string): unknown[] =>
  out
    .split('\n')
    .filter((each) => each !== '')
    .map((each) => (JSON.parse(each) as { text?: string; type: string }).text ?? each);

const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, i) => String(from + i));
const input = (lines: readonly string[]): string => lines.map((each) => `${each}\n`).join('');

/** A room whose lines came in few tokens. */
const roomWith = async (lines: readonly string[], ...flags: readonly string[]) => {
  const relay = await startRelay(...flags);
  const room = newRoom(relay.port);
  expect((await runShared(['send', room.text, '--nick', 'bob'], { input: input(lines) })).code).toBe(0);
  return { relay, room: room.text };
};

describe('listen --cursor-file', () => {
  test('continues where the last run ended, even within a batch: each line once, none omitted', async () => {
    const { room } = await roomWith(numbers(1, 9));
    const file = join(tempDir(), 'cursor');
    const received: unknown[] = [];
    for (const [n, more] of [
      ['1', ['--after', '0']],
      ['3', []],
      ['4', ['--last', '1']],
      ['1', []],
    ] as const) {
      const ran = await runShared(['listen', room, '--json', '-n', n, '--cursor-file', file, ...more]);
      expect(ran.code).toBe(0);
      received.push(...texts(ran.out));
    }
    expect(received).toStrictEqual(numbers(1, 9));

    expect((await runShared(['send', room, '-m', 'later'])).code).toBe(0);
    const next = await runShared(['listen', room, '--json', '-n', '1', '--cursor-file', file]);
    expect(texts(next.out)).toStrictEqual(['later']);
  });

  test('starts with messages after its first run, even if none were sent then', async () => {
    const { relay, room } = await roomWith(['before']);
    const dir = tempDir();
    const file = join(dir, 'cursor');
    const first = rxchat(['listen', room, '--nick', 'first', '--cursor-file', file]);
    await relay.joined('first');
    while (!existsSync(file)) await new Promise(setImmediate);
    first.signal('SIGTERM');
    expect(await first.exit).toBe(143);
    expect((await runShared(['send', room, '-m', 'meanwhile'])).code).toBe(0);
    const second = await runShared(['listen', room, '--json', '-n', '1', '--cursor-file', file]);
    expect(texts(second.out)).toStrictEqual(['meanwhile']);
    expect(readdirSync(dir)).toStrictEqual(['cursor']);
  });

  test('prints every line in order over several runs that are killed at any time', async () => {
    const { room } = await roomWith(numbers(1, 20_000));
    const file = join(tempDir(), 'cursor');
    const received: string[] = [];
    const listen = (): Child => rxchat(['listen', room, '--json', '--after', '0', '--cursor-file', file]);
    for (const some of [1, 3000, 1000]) {
      const child = listen();
      await child.out.until(lineCount(some));
      child.signal('SIGKILL');
      expect(await child.exit).toBe('SIGKILL');
      // The last line may be partial: it does not count as read, and comes again.
      received.push(...child.out.lines);
    }
    const last = listen();
    await last.out.until(lineWith('"text":"20000"'));
    last.signal('SIGTERM');
    await last.exit;
    received.push(...last.out.lines);

    const sent = received.map((each) => Number((JSON.parse(each) as { text: string }).text));
    expect([...new Set(sent)]).toStrictEqual(numbers(1, 20_000).map(Number));
  });

  test('does not count a line as read when it could not be written', async () => {
    const { room } = await roomWith(['one']);
    const file = join(tempDir(), 'cursor');
    const args = ['listen', room, '--after', '0', '--cursor-file', file];
    const full = rxchat(args, { wrapper: ['bash', '-c', 'exec "$0" "$@" > /dev/full'] });
    expect(await full.exit).toBe(1);
    const again = await runShared([...args, '--json', '-n', '1']);
    expect(texts(again.out)).toStrictEqual(['one']);
  });

  test('reports that the log is another one, and reads that from its beginning', async () => {
    const { room } = await roomWith(['one']);
    const file = join(tempDir(), 'cursor');
    const args = ['listen', room, '--json', '-n', '1', '--cursor-file', file];
    expect((await runShared([...args, '--after', '0'])).code).toBe(0);
    const saved = JSON.parse(readFileSync(file, 'utf8')) as { log: string };
    expect(shapeOf(saved)).toStrictEqual(JSON_SHAPES.get('undefined'));
    writeFileSync(file, JSON.stringify({ ...saved, log: 'AAAAAAAAAAA' }));

    const strict = await runShared([...args, '--fail-on-gap']);
    expect([strict.code, strict.err]).toStrictEqual([
      8,
      'rxchat: entries are missing\nrxchat: hint: continue after the gap without --fail-on-gap\n',
    ]);
    const ran = await runShared(args);
    expect(ran.code).toBe(0);
    expect(ran.out).toMatch(/^\{"v":1,"type":"log-changed".*\n.*"text":"one"\}\n$/);
  });

  test.each([
    ['nonsense', 'contains no cursor'],
    ['{"v":1,"room":"x","log":"x","position":-1,"lines":0}', 'contains no cursor'],
    ['{"v":1,"room":"x","log":"x","position":1,"lines":0}', 'belongs to another room'],
  ])('rejects a file that contains %s', async (content, what) => {
    const file = join(tempDir(), 'cursor');
    writeFileSync(file, content);
    const ran = await runShared(['listen', newRoom(1).text, '--cursor-file', file]);
    expect(ran).toMatchObject({ code: 2, out: '' });
    expect(ran.err).toContain(`rxchat: --cursor-file ${file} ${what}\n`);
    expect(readFileSync(file, 'utf8')).toBe(content);
  });

  test('exits 1 when it cannot be written', async () => {
    const { room } = await roomWith(['one']);
    const file = join(tempDir(), 'missing', 'cursor');
    const ran = await runShared(['listen', room, '--cursor-file', file]);
    expect(ran).toMatchObject({
      code: 1,
      err: `rxchat: cannot write --cursor-file ${file}: no such file or directory\n`,
    });
  });
});

describe('listen', () => {
  test('--since starts with the first new enough message', async () => {
    const { room } = await roomWith(['one']);
    const all = await runShared(['listen', room, '--json', '--since', '10m', '-n', '1']);
    expect(texts(all.out)).toStrictEqual(['one']);

    const none = rxchat(['listen', room, '--json', '--since', '0', '--nick', 'ear', '-n', '1', '--events']);
    await none.out.until(lineWith('"type":"online"'));
    expect((await runShared(['send', room, '-m', 'two'])).code).toBe(0);
    expect(await none.exit).toBe(0);
    expect(none.out.text).not.toContain('"text":"one"');
    expect(none.out.text).toContain('"text":"two"');
  });

  test.each([
    [['--since', '1m', '--last', '1'], '--last and --since both set the start'],
    [['--after', '1', '--last', '1'], '--after and --last both set the start'],
    [['--since', 'someday'], '--since needs a time in the past, such as 10m'],
    [['--events'], '--events needs --json'],
  ])('rejects %j', async (flags, what) => {
    const ran = await runShared(['listen', newRoom(1).text, ...flags]);
    expect(ran.code).toBe(2);
    expect(ran.err).toContain(`rxchat: ${what}`);
  });

  test('--no-self omits messages of the same person from any client', async () => {
    const { room } = await roomWith(['mine']);
    const other = { XDG_DATA_HOME: tempDir() };
    expect((await runShared(['send', room, '-m', 'theirs'], { env: other })).code).toBe(0);
    const ran = await runShared(['listen', room, '--json', '--after', '0', '--no-self', '-n', '1']);
    expect(texts(ran.out)).toStrictEqual(['theirs']);
  });

  test('--events prints joins, leaves and connection events on the same stream', async () => {
    const relay = await startRelay();
    const room = newRoom(relay.port).text;
    const listener = rxchat(['listen', room, '--json', '--events', '--nick', 'ear']);
    await listener.out.until(lineWith('"type":"online"', '"nicks":["ear"]'));
    expect((await runShared(['send', room, '--nick', 'bob', '-m', 'hello'])).code).toBe(0);
    await listener.out.until(lineWith('"type":"joined"', '"nicks":["bob"]'));
    await listener.out.until(lineWith('"type":"left"', '"nicks":["bob"]'));
    relay.child.signal('SIGTERM');
    await listener.out.until(lineWith('"type":"offline"', '"reason":"the relay is shutting down"'));
    expect(listener.err.text).not.toMatch(/joined|left/);
    const sent = listener.out.lines.map((each) => JSON.parse(each) as { type: string });
    expect(sent.map(({ type }) => type)).toStrictEqual(['online', 'joined', 'message', 'left', 'offline']);
    for (const each of sent) expect(shapeOf(each)).toStrictEqual(JSON_SHAPES.get(each.type));
  });

  test('--fail-on-gap reports the gap and exits 8; without it listen reads on', async () => {
    const lines = Array.from({ length: 40 }, (_, i) => `${i} ${'x'.repeat(30_000)}`);
    const { room } = await roomWith(lines, '--keep-entries', '10');
    const args = ['listen', room, '--json', '--after', '0', '-n', '1'];
    const strict = await runShared([...args, '--fail-on-gap']);
    expect(strict.code).toBe(8);
    expect(strict.out).toMatch(/^\{"v":1,"type":"gap","room":"[^"]+","from":1,"to":\d+\}\n$/);
    const lax = await runShared(args);
    expect([lax.code, lax.out.split('\n')]).toMatchObject([0, { length: 3 }]);
  });
});

describe('the closed reader of a pipe', () => {
  const onLinux = process.platform === 'linux' ? test : test.skip;

  onLinux.each(['listen', 'join'])('ends %s without another message', async (command) => {
    const { relay, room } = await roomWith([]);
    const waiting = rxchat([command, room, '--nick', 'ear'], {
      wrapper: ['bash', '-c', '"$0" "$@" | grep -m1 DONE; exit ${PIPESTATUS[0]}'],
    });
    await relay.joined('ear');
    expect((await runShared(['send', room, '-m', 'not yet'])).code).toBe(0);
    expect((await runShared(['listen', room, '--after', '0', '-n', '1'])).code).toBe(0);
    await waiting.err.until(({ text }) => command === 'join' || text.includes('joined'));
    while (!waiting.out.text.includes('DONE')) await runShared(['send', room, '-m', 'DONE']);
    expect(await waiting.exit).toBe(0);
  });
});
