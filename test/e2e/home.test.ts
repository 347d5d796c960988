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
  const terminal = await openTerminal(['join', '--help'], { columns, rows: 150 });
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

const onUnix = process.platform === 'win32' ? test.skip : test;

onUnix.each(['empty', 'relative', 'missing', 'a device'])(
  'a home that is %s has no place for keys, also not in the current directory',
  async (kind) => {
    const cwd = newDir();
    const homes = {
      empty: '',
      relative: 'relative',
      missing: join(newDir(), 'at/all'),
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
      const { code, err } = await run(command, { env, by });
      expect([code, err]).toStrictEqual([
        5,
        `rxchat: there is no home directory to keep anything in (HOME is "${home}")\n` +
          'rxchat: hint: set RXCHAT_HOME to a directory that is yours\n',
      ]);
    }
    const served = await run(['serve', '--port', '0'], { env, by });
    expect([served.code, served.err]).toStrictEqual([
      2,
      expect.stringContaining('there is no home directory'),
    ]);
    expect((await run(['invite'], { env, by })).code).toBe(0);
    expect(readdirSync(cwd)).toStrictEqual([]);
  },
);

/** Node without hard links, as FAT and Android have none. */
const WITHOUT_LINKS = `data:text/javascript,${encodeURIComponent(
  'import fs from "node:fs"; import { syncBuiltinESMExports } from "node:module";' +
    'fs.linkSync = () => { throw Object.assign(new Error("EPERM"), { code: "EPERM", errno: -1 }); };' +
    'syncBuiltinESMExports();',
)}`;

test('without hard links those who come at once are one person, and a relay makes its certificate', async () => {
  const env = { RXCHAT_HOME: join(newDir(), 'chat'), NODE_OPTIONS: `--import ${WITHOUT_LINKS}` };
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

  const secure = rxchat(['serve', '--tls', '--port', '0', '--data', join(newDir(), 'store')], { env });
  await secure.out.until(({ text }) => /:(\d+)\n/.exec(text));
});
