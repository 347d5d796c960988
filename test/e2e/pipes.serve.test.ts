import { afterEach, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir, run, rxchat } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { newRoom } from './support/relay.js';
import { lineWith } from './support/streamOutput.js';

afterEach(cleanUp);

/** The exit of a relay that runs undisturbed. */
const SERVE = ['serve', '--port', '0', '--log-level', 'trace'];

describe('serve prints the next command to type', () => {
  test.each([
    ['rxchat', {}],
    ['npx rxchat', { npm_command: 'start' }],
  ])('as it was called itself: %s', async (called, env) => {
    const relay = rxchat(['serve', '--port', '0', '--memory'], { env });
    const screen = await relay.err.until(({ text }) => /INVITE\n/.test(text) && text);
    expect(screen.match(/(?<=^rxchat: ).* join/gm)).toStrictEqual([
      `to create and join a room, run in another terminal: ${called} join`,
      `it shows an invite, which lets others in: ${called} join`,
    ]);
    relay.signal('SIGTERM');
    expect(await relay.exit).toBe(0);
  });
});

describe('serve keeps running', () => {
  test('when nobody reads its log and its notes any more', async () => {
    const script = 'exec "$0" "$@" 2> >(exec <&-; exit)';
    const relay = rxchat(SERVE, { wrapper: ['bash', '-c', script] });
    const [, port] = await relay.out.until(({ text }) => /:(\d+)\n$/.exec(text));
    const room = newRoom(Number(port)).text;
    for (const text of ['one', 'two']) expect((await run(['send', room, '-m', text])).code).toBe(0);
    expect((await run(['listen', room, '--after', '0', '-n', '2'])).out).toMatch(/: one\n.*: two\n$/);
    relay.signal('SIGTERM');
    expect(await relay.exit).toBe(0);
  });

  test.each([
    ['when nobody reads its port', '> >(exec <&-; exit)', 0, ''],
    [
      'when the port cannot be written: an error says so',
      '> /dev/full',
      1,
      'rxchat: cannot write standard output: no space left on device\n',
    ],
  ])('%s', async (_, where, code, reported) => {
    // It reports it on its standard error too when join cannot use its port.
    const relay = rxchat(SERVE, { wrapper: ['bash', '-c', `exec "$0" "$@" ${where}`] });
    const screen = await relay.err.until(lineWith('rxchat join --port '));
    const room = newRoom(Number(/--port (\d+)/.exec(screen)?.[1])).text;
    expect((await run(['send', room, '-m', 'one'])).code).toBe(0);
    relay.signal('SIGTERM');
    expect(await relay.exit).toBe(code);
    expect(
      relay.err.lines
        .filter((each) => each.includes('standard output'))
        .map((each) => `${each}\n`)
        .join(''),
    ).toBe(reported);
  });

  test('on SIGHUP, if it has no certificate to reload', async () => {
    const file = join(tempDir(), 'out');
    const relay = rxchat(SERVE, { wrapper: ['bash', '-c', `exec "$0" "$@" > ${file}`] });
    await relay.err.until(lineWith('rxchat join --port '));
    relay.signal('SIGHUP');
    expect(await relay.exit).toBe(0);
    expect(relay.err.text).toContain(
      'rxchat: stopping: delivering accepted messages; a second signal exits at once\n',
    );
    expect(readFileSync(file, 'utf8')).toMatch(/^listening on 127\.0\.0\.1:\d+\n$/);
  });
});
