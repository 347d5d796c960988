import { afterEach, expect, test } from '@jest/globals';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir, run, rxchat } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { newRoom, startRelay } from './support/relay.js';
import { hasTmux, openTerminal } from './support/tmux.js';

afterEach(cleanUp);

const ESCAPE = '\u001b';
const tmux = await hasTmux();
if (!tmux) console.warn('NOT TESTED: there is no tmux, so nothing is known about a terminal that is dumb');
const inTerminal = tmux ? test : test.skip;

test('RXCHAT_HOME contains all stored files, and nothing is stored elsewhere', async () => {
  const [home, elsewhere] = [tempDir(), tempDir()];
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

test('a first run without a terminal creates a key room, sends the piped input and exits 0', async () => {
  const relay = await startRelay();
  const env = { RXCHAT_HOME: tempDir() };
  const joined = await run(['join', '--port', String(relay.port)], { env, input: 'hello\n' });
  expect(joined.code).toBe(0);
  const [invite = ''] = /rxchat:\/\/\S+/.exec(joined.err) ?? [];
  expect(invite).not.toContain('group=');
  const received = await run(['listen', invite, '--last', '9', '-n', '1', '--json', '--nick', 'ear'], {
    env,
  });
  expect(JSON.parse(received.out)).toMatchObject({ text: 'hello' });
});

test('a pipe receives no escape sequence, whatever the terminal supports', async () => {
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
    // `send` prints nothing.
    if (args[0] !== 'send') expect(out + err).not.toBe('');
    expect(out + err).not.toContain(ESCAPE);
  }
  expect(relay.child.err.text).not.toContain(ESCAPE);
});

inTerminal.each([40, 80])('%d columns: help breaks no word and omits none', async (columns) => {
  const { out } = await run(['join', '--help']);
  const terminal = await openTerminal(['join', '--help'], { columns, rows: 300 });
  const screen = await terminal.waitFor(/^exit 0$/m);
  const words = (text: string) => text.split(/\s+/).filter((word) => word !== '');
  expect(words(screen.replace(/^exit 0$/m, ''))).toStrictEqual(words(out));
});

inTerminal('a dumb terminal receives no escape sequence', async () => {
  const relay = await startRelay();
  const room = newRoom(relay.port);
  // All output is recorded from the first byte on: the command starts at Enter.
  const by = ['sh', '-c', 'read go; TERM=dumb exec "$@"', 'sh'];
  const terminal = await openTerminal(['join', room.text, '--nick', 'alice'], { columns: 80, wrapper: by });
  const written = await terminal.record();
  await terminal.press('Enter');
  await terminal.waitFor(/you are in/);
  await terminal.type('hello');
  await terminal.press('Enter');
  await terminal.waitFor(/alice: hello/);
  expect(await written('alice: hello')).not.toContain(ESCAPE);
});

const onUnix = process.platform === 'win32' ? test.skip : test;

onUnix.each(['empty', 'relative', 'missing', 'a device'])(
  'a home that is %s has no place for keys, and the current directory is not used instead',
  async (kind) => {
    const cwd = tempDir();
    const homes = {
      empty: '',
      relative: 'relative',
      missing: join(tempDir(), 'at/all'),
      'a device': '/dev/null',
    };
    const home = homes[kind as keyof typeof homes];
    const env = { HOME: home, XDG_DATA_HOME: '', XDG_STATE_HOME: '', XDG_CONFIG_HOME: '' };
    const by = ['env', '-C', cwd];
    const { text } = newRoom(9);
    for (const command of [
      ['send', text, '-m', 'x'],
      ['listen', text],
      ['join', text],
    ]) {
      const { code, err } = await run(command, { env, wrapper: by });
      expect([code, err]).toStrictEqual([
        5,
        `rxchat: there is no home directory to store files in (HOME is "${home}")\n` +
          'rxchat: hint: set RXCHAT_HOME to a directory that you own\n',
      ]);
    }
    const served = await run(['serve', '--port', '0'], { env, wrapper: by });
    expect([served.code, served.err]).toStrictEqual([
      2,
      expect.stringContaining('there is no home directory'),
    ]);
    expect((await run(['invite'], { env, wrapper: by })).code).toBe(0);
    expect(readdirSync(cwd)).toStrictEqual([]);
  },
);

/** Node without hard links, as FAT and Android have none. */
const WITHOUT_LINKS = `data:text/javascript,${encodeURIComponent(
  'import fs from "node:fs"; import { syncBuiltinESMExports } from "node:module";' +
    'fs.linkSync = () => { throw Object.assign(new Error("EPERM"), { code: "EPERM", errno: -1 }); };' +
    'syncBuiltinESMExports();',
)}`;

test('without hard links concurrent commands share one identity, and a relay creates its certificate', async () => {
  const env = { RXCHAT_HOME: join(tempDir(), 'chat'), NODE_OPTIONS: `--import ${WITHOUT_LINKS}` };
  const relay = await startRelay();
  const room = newRoom(relay.port);
  const sent = await Promise.all(
    Array.from({ length: 4 }, (_, n) => run(['send', room.text, '-m', `${n}`, '--nick', `n${n}`], { env })),
  );
  expect(sent.map(({ code }) => code)).toStrictEqual([0, 0, 0, 0]);
  const { out } = await run(['listen', room.text, '--after', '0', '-n', '4', '--json'], { env });
  const keys = out
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { from: { key: string } }).from.key);
  expect([keys.length, new Set(keys).size]).toStrictEqual([4, 1]);
  expect(readdirSync(join(env.RXCHAT_HOME, 'data')).filter((name) => name.endsWith('.part'))).toStrictEqual(
    [],
  );

  const secure = rxchat(['serve', '--tls', '--port', '0', '--data', join(tempDir(), 'store')], { env });
  await secure.out.until(({ text }) => /:(\d+)\n/.exec(text));
});
