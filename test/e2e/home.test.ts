import { afterEach, expect, test } from '@jest/globals';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { newDir, run, rxchat } from './support/child.js';
import { endAll } from './support/endings.js';
import { newRoom, startRelay } from './support/relay.js';
import { hasTmux, openTerminal } from './support/tmux.js';

afterEach(endAll);

const ESCAPE = '\u001b';
const tmux = await hasTmux();
if (!tmux) console.warn('NOT TESTED: there is no tmux, so nothing is known about a terminal that is dumb');
const inTerminal = tmux ? test : test.skip;

test('with RXCHAT_HOME, what is kept is there, and nowhere else', async () => {
  const [home, elsewhere] = [newDir(), newDir()];
  const dirs = ['HOME', 'XDG_STATE_HOME', 'XDG_DATA_HOME', 'XDG_CONFIG_HOME'];
  const env = {
    ...Object.fromEntries(dirs.map((name) => [name, elsewhere])),
    RXCHAT_HOME: join(home, 'chat'),
  };
  const relay = rxchat(['serve', '--port', '0'], { env });
  const [, port] = await relay.out.until(({ text }) => /:(\d+)\n/.exec(text));
  const room = newRoom(Number(port));
  expect((await run(['send', room.text, '-m', 'hello', '--spool'], { env })).code).toBe(0);
  relay.signal('SIGTERM');
  expect(await relay.exit).toBe(0);
  expect(existsSync(join(home, 'chat', 'data', 'identity.pem'))).toBe(true);
  expect(readdirSync(join(home, 'chat', 'state'))).toContain('relay');
  expect(readdirSync(elsewhere)).toStrictEqual([]);
});

test('a first run without a terminal makes a room, says what is piped in, and ends in 0', async () => {
  const relay = await startRelay();
  const env = { RXCHAT_HOME: newDir() };
  const joined = await run(['join', '--port', String(relay.port)], { env, input: 'hello\n' });
  expect(joined.code).toBe(0);
  const [invite = ''] = /rxchat:\/\/\S+/.exec(joined.err) ?? [];
  const heard = await run(['listen', invite, '--last', '9', '-n', '1', '--json', '--nick', 'ear'], { env });
  expect(JSON.parse(heard.out)).toMatchObject({ text: 'hello' });
});

test('nothing that is written to a pipe has an escape, whatever the terminal could do', async () => {
  const relay = await startRelay();
  const room = newRoom(relay.port);
  const env = { TERM: 'xterm-256color', COLORTERM: 'truecolor', FORCE_COLOR: '1', CLICOLOR_FORCE: '1' };
  const each = [
    [],
    ['--help'],
    ['listen', '--help'],
    ['liste'],
    ['join', room.text, '--nick', 'alice'],
    ['send', room.text, '-m', 'hello', '--nick', 'bob'],
    ['listen', room.text, '--last', '9', '-n', '2', '--nick', 'ear'],
    ['invite', '--words', '6'],
    ['completion', 'fish'],
  ];
  for (const args of each) {
    const { out, err } = await run(args, { env, input: 'hello\n' });
    // `send` has nothing to say.
    if (args[0] !== 'send') expect(out + err).not.toBe('');
    expect(out + err).not.toContain(ESCAPE);
  }
  expect(relay.child.err.text).not.toContain(ESCAPE);
});

inTerminal.each([40, 80])('%d columns: no word of a help is broken, and none is missing', async (columns) => {
  const { out } = await run(['join', '--help']);
  const terminal = await openTerminal(['join', '--help'], { columns, rows: 120 });
  const shown = await terminal.shows(/^exit 0$/m);
  const words = (text: string) => text.split(/\s+/).filter((word) => word !== '');
  expect(words(shown.replace(/^exit 0$/m, ''))).toStrictEqual(words(out));
});

inTerminal('nothing that is written to a dumb terminal has an escape', async () => {
  const relay = await startRelay();
  const room = newRoom(relay.port);
  // All that it writes is recorded from the first byte on: it starts at the Enter.
  const by = ['sh', '-c', 'read go; TERM=dumb exec "$@"', 'sh'];
  const terminal = await openTerminal(['join', room.text, '--nick', 'alice'], { columns: 80, by });
  const written = await terminal.record();
  await terminal.press('Enter');
  await terminal.shows(/you are in/);
  await terminal.type('hello');
  await terminal.press('Enter');
  await terminal.shows(/alice: hello/);
  expect(await written('alice: hello')).not.toContain(ESCAPE);
});
