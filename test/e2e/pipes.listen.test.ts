import { afterEach, describe, expect, test } from '@jest/globals';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Child, newDir, run, rxchat } from './support/child.js';
import { JSON_SHAPES, shapeOf } from '../support/jsonShapes.js';
import { endAll } from './support/endings.js';
import { newRoom, startRelay } from './support/relay.js';
import { count, line } from './support/said.js';

afterEach(endAll);

const texts = (out: string): unknown[] =>
  out
    .split('\n')
    .filter((each) => each !== '')
    .map((each) => (JSON.parse(each) as { text?: string; type: string }).text ?? each);

const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, i) => String(from + i));
const input = (lines: readonly string[]): string => lines.map((each) => `${each}\n`).join('');

/** A room with lines in it that came in few tokens. */
const roomWith = async (lines: readonly string[], ...flags: readonly string[]) => {
  const relay = await startRelay(...flags);
  const room = newRoom(relay.port);
  expect((await run(['send', room.text, '--nick', 'bob'], { input: input(lines) })).code).toBe(0);
  return { relay, room: room.text };
};

describe('listen --cursor-file', () => {
  test('goes on where the last run ended, within a batch too: each line once, none left out', async () => {
    const { room } = await roomWith(numbers(1, 9));
    const file = join(newDir(), 'cursor');
    const heard: unknown[] = [];
    for (const [n, more] of [
      ['1', ['--after', '0']],
      ['3', []],
      ['4', ['--last', '1']],
      ['1', []],
    ] as const) {
      const ran = await run(['listen', room, '--json', '-n', n, '--cursor-file', file, ...more]);
      expect(ran.code).toBe(0);
      heard.push(...texts(ran.out));
    }
    expect(heard).toStrictEqual(numbers(1, 9));

    expect((await run(['send', room, '-m', 'later'])).code).toBe(0);
    const later = await run(['listen', room, '--json', '-n', '1', '--cursor-file', file]);
    expect(texts(later.out)).toStrictEqual(['later']);
  });

  test('begins with what is said from its first run on, be it that nothing was said then', async () => {
    const { relay, room } = await roomWith(['before']);
    const dir = newDir();
    const file = join(dir, 'cursor');
    const first = rxchat(['listen', room, '--nick', 'first', '--cursor-file', file]);
    await relay.joined('first');
    while (!existsSync(file)) await new Promise(setImmediate);
    first.signal('SIGTERM');
    expect(await first.exit).toBe(143);
    expect((await run(['send', room, '-m', 'meanwhile'])).code).toBe(0);
    const second = await run(['listen', room, '--json', '-n', '1', '--cursor-file', file]);
    expect(texts(second.out)).toStrictEqual(['meanwhile']);
    expect(readdirSync(dir)).toStrictEqual(['cursor']);
  });

  test('killed at any time: the runs together have every line, in order', async () => {
    const { room } = await roomWith(numbers(1, 20_000));
    const file = join(newDir(), 'cursor');
    const heard: string[] = [];
    const listen = (): Child => rxchat(['listen', room, '--json', '--after', '0', '--cursor-file', file]);
    for (const some of [1, 3000, 1000]) {
      const child = listen();
      await child.out.until(count(some));
      child.signal('SIGKILL');
      expect(await child.exit).toBe('SIGKILL');
      // The last line may be torn: whoever took it has not taken it, and it comes again.
      heard.push(...child.out.lines);
    }
    const last = listen();
    await last.out.until(line('"text":"20000"'));
    last.signal('SIGTERM');
    await last.exit;
    heard.push(...last.out.lines);

    const said = heard.map((each) => Number((JSON.parse(each) as { text: string }).text));
    expect([...new Set(said)]).toStrictEqual(numbers(1, 20_000).map(Number));
  });

  test('does not count as taken what could not be written', async () => {
    const { room } = await roomWith(['one']);
    const file = join(newDir(), 'cursor');
    const args = ['listen', room, '--after', '0', '--cursor-file', file];
    const full = rxchat(args, { by: ['bash', '-c', 'exec "$0" "$@" > /dev/full'] });
    expect(await full.exit).toBe(1);
    const again = await run([...args, '--json', '-n', '1']);
    expect(texts(again.out)).toStrictEqual(['one']);
  });

  test('tells that the log is another one, and reads that from its beginning', async () => {
    const { room } = await roomWith(['one']);
    const file = join(newDir(), 'cursor');
    const args = ['listen', room, '--json', '-n', '1', '--cursor-file', file];
    expect((await run([...args, '--after', '0'])).code).toBe(0);
    const saved = JSON.parse(readFileSync(file, 'utf8')) as { log: string };
    expect(shapeOf(saved)).toStrictEqual(JSON_SHAPES.get('undefined'));
    writeFileSync(file, JSON.stringify({ ...saved, log: 'AAAAAAAAAAA' }));

    const strict = await run([...args, '--fail-on-gap']);
    expect([strict.code, strict.err]).toStrictEqual([
      8,
      'rxchat: entries are missing\nrxchat: hint: go on behind them without --fail-on-gap\n',
    ]);
    const ran = await run(args);
    expect(ran.code).toBe(0);
    expect(ran.out).toMatch(/^\{"v":1,"type":"log-changed".*\n.*"text":"one"\}\n$/);
  });

  test.each([
    ['nonsense', 'holds no cursor'],
    ['{"v":1,"room":"x","log":"x","position":-1,"lines":0}', 'holds no cursor'],
    ['{"v":1,"room":"x","log":"x","position":1,"lines":0}', 'is of another room'],
  ])('refuses a file that holds %s', async (content, what) => {
    const file = join(newDir(), 'cursor');
    writeFileSync(file, content);
    const ran = await run(['listen', newRoom(1).text, '--cursor-file', file]);
    expect(ran).toMatchObject({ code: 2, out: '' });
    expect(ran.err).toContain(`rxchat: --cursor-file ${file} ${what}\n`);
    expect(readFileSync(file, 'utf8')).toBe(content);
  });

  test('that cannot be written ends it with 1', async () => {
    const { room } = await roomWith(['one']);
    const file = join(newDir(), 'missing', 'cursor');
    const ran = await run(['listen', room, '--cursor-file', file]);
    expect(ran).toMatchObject({
      code: 1,
      err: `rxchat: cannot write --cursor-file ${file}: no such file or directory\n`,
    });
  });
});

describe('listen', () => {
  test('--since begins with what is new enough', async () => {
    const { room } = await roomWith(['one']);
    const all = await run(['listen', room, '--json', '--since', '10m', '-n', '1']);
    expect(texts(all.out)).toStrictEqual(['one']);

    const none = rxchat(['listen', room, '--json', '--since', '0', '--nick', 'ear', '-n', '1', '--events']);
    await none.out.until(line('"type":"online"'));
    expect((await run(['send', room, '-m', 'two'])).code).toBe(0);
    expect(await none.exit).toBe(0);
    expect(none.out.text).not.toContain('"text":"one"');
    expect(none.out.text).toContain('"text":"two"');
  });

  test.each([
    [['--since', '1m', '--last', '1'], '--last and --since are two places to begin'],
    [['--after', '1', '--last', '1'], '--after and --last are two places to begin'],
    [['--since', 'someday'], '--since needs a time in the past, such as 10m'],
    [['--events'], '--events needs --json'],
  ])('refuses %j', async (flags, what) => {
    const ran = await run(['listen', newRoom(1).text, ...flags]);
    expect(ran.code).toBe(2);
    expect(ran.err).toContain(`rxchat: ${what}`);
  });

  test('--no-self leaves out what the same person said, from wherever', async () => {
    const { room } = await roomWith(['mine']);
    const other = { XDG_DATA_HOME: newDir() };
    expect((await run(['send', room, '-m', 'theirs'], { env: other })).code).toBe(0);
    const ran = await run(['listen', room, '--json', '--after', '0', '--no-self', '-n', '1']);
    expect(texts(ran.out)).toStrictEqual(['theirs']);
  });

  test('--events tells on the same stream who comes and goes, and of the connection', async () => {
    const relay = await startRelay();
    const room = newRoom(relay.port).text;
    const ear = rxchat(['listen', room, '--json', '--events', '--nick', 'ear']);
    await ear.out.until(line('"type":"online"', '"nicks":["ear"]'));
    expect((await run(['send', room, '--nick', 'bob', '-m', 'hello'])).code).toBe(0);
    await ear.out.until(line('"type":"joined"', '"nicks":["bob"]'));
    await ear.out.until(line('"type":"left"', '"nicks":["bob"]'));
    relay.child.signal('SIGTERM');
    await ear.out.until(line('"type":"offline"', '"reason":"the relay is shutting down"'));
    expect(ear.err.text).not.toMatch(/joined|left/);
    const said = ear.out.lines.map((each) => JSON.parse(each) as { type: string });
    expect(said.map(({ type }) => type)).toStrictEqual(['online', 'joined', 'message', 'left', 'offline']);
    for (const each of said) expect(shapeOf(each)).toStrictEqual(JSON_SHAPES.get(each.type));
  });

  test('--fail-on-gap tells the gap and ends with 8; without it one reads on', async () => {
    const lines = Array.from({ length: 40 }, (_, i) => `${i} ${'x'.repeat(30_000)}`);
    const { room } = await roomWith(lines, '--keep-entries', '10');
    const args = ['listen', room, '--json', '--after', '0', '-n', '1'];
    const strict = await run([...args, '--fail-on-gap']);
    expect(strict.code).toBe(8);
    expect(strict.out).toMatch(/^\{"v":1,"type":"gap","room":"[^"]+","from":1,"to":\d+\}\n$/);
    const lax = await run(args);
    expect([lax.code, lax.out.split('\n')]).toMatchObject([0, { length: 3 }]);
  });
});

describe('a reader that has gone', () => {
  const onLinux = process.platform === 'linux' ? test : test.skip;

  onLinux.each(['listen', 'join'])('ends %s, without another message', async (command) => {
    const { relay, room } = await roomWith([]);
    const waiting = rxchat([command, room, '--nick', 'ear'], {
      by: ['bash', '-c', '"$0" "$@" | grep -m1 DONE; exit ${PIPESTATUS[0]}'],
    });
    await relay.joined('ear');
    expect((await run(['send', room, '-m', 'not yet'])).code).toBe(0);
    expect((await run(['listen', room, '--after', '0', '-n', '1'])).code).toBe(0);
    await waiting.err.until(({ text }) => command === 'join' || text.includes('joined'));
    while (!waiting.out.text.includes('DONE')) await run(['send', room, '-m', 'DONE']);
    expect(await waiting.exit).toBe(0);
  });
});
