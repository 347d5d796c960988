import { afterEach, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { newDir, run, rxchat } from './support/child.js';
import { endAll } from './support/endings.js';
import { newRoom } from './support/relay.js';
import { line } from './support/said.js';

afterEach(endAll);

/** How it ends is how a relay does that nobody disturbs. */
const SERVE = ['serve', '--port', '0', '--log-level', 'trace'];

describe('serve says what to type next', () => {
  test.each([
    ['rxchat', {}],
    ['npx rxchat', { npm_command: 'start' }],
  ])('as it was called: %s', async (called, env) => {
    const relay = rxchat(['serve', '--port', '0', '--memory'], { env });
    const shown = await relay.err.until(({ text }) => /INVITE\n/.test(text) && text);
    expect(shown.match(/(?<=^rxchat: ).* join/gm)).toStrictEqual([
      `to make a room and join it, from another terminal: ${called} join`,
      `that shows an invite; whoever has it can join: ${called} join`,
    ]);
    relay.signal('SIGTERM');
    expect(await relay.exit).toBe(0);
  });
});

describe('serve goes on', () => {
  test('when nobody reads its log and its notes any more', async () => {
    const script = 'exec "$0" "$@" 2> >(exec <&-; exit)';
    const relay = rxchat(SERVE, { by: ['bash', '-c', script] });
    const [, port] = await relay.out.until(({ text }) => /:(\d+)\n$/.exec(text));
    const room = newRoom(Number(port)).text;
    for (const text of ['one', 'two']) expect((await run(['send', room, '-m', text])).code).toBe(0);
    expect((await run(['listen', room, '--after', '0', '-n', '2'])).out).toMatch(/: one\n.*: two\n$/);
    relay.signal('SIGTERM');
    expect(await relay.exit).toBe(0);
  });

  test.each([
    ['when nobody reads on which port it listens', '> >(exec <&-; exit)', 0, ''],
    [
      'when that cannot be written, which is told',
      '> /dev/full',
      1,
      'rxchat: cannot write standard output: no space left on device\n',
    ],
  ])('%s', async (_, where, code, told) => {
    // It says it on its standard error too, where a port of its own is in the way to join.
    const relay = rxchat(SERVE, { by: ['bash', '-c', `exec "$0" "$@" ${where}`] });
    const shown = await relay.err.until(line('rxchat join --port '));
    const room = newRoom(Number(/--port (\d+)/.exec(shown)?.[1])).text;
    expect((await run(['send', room, '-m', 'one'])).code).toBe(0);
    relay.signal('SIGTERM');
    expect(await relay.exit).toBe(code);
    expect(
      relay.err.lines
        .filter((each) => each.includes('standard output'))
        .map((each) => `${each}\n`)
        .join(''),
    ).toBe(told);
  });

  test('until SIGHUP, where it has no certificate to read again', async () => {
    const file = join(newDir(), 'out');
    const relay = rxchat(SERVE, { by: ['bash', '-c', `exec "$0" "$@" > ${file}`] });
    await relay.err.until(line('rxchat join --port '));
    relay.signal('SIGHUP');
    expect(await relay.exit).toBe(0);
    expect(relay.err.text).toContain('rxchat: stopping, delivering what was accepted');
    expect(readFileSync(file, 'utf8')).toMatch(/^listening on 127\.0\.0\.1:\d+\n$/);
  });
});
