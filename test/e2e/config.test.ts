import { afterEach, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newDir, run } from './support/child.js';
import { endAll } from './support/endings.js';
import { newRoom, startRelay } from './support/relay.js';

afterEach(endAll);

/** An environment with a config file, and that file. */
const withFile = (text: string) => {
  const home = newDir();
  const file = join(home, 'config.json');
  writeFileSync(file, text);
  return { file, env: { RXCHAT_HOME: home } };
};

test('what stands in it is as if it were on the command line, which counts more', async () => {
  const relay = await startRelay();
  const { text } = newRoom(relay.port);
  const { env } = withFile('{"clients": {"nick": "alice"}, "listen": {"json": true, "last": 9, "count": 1}}');
  const sent = await run(['send', text, '-m', 'hello'], { env });
  expect([sent.code, sent.err]).toStrictEqual([0, '']);
  const heard = await run(['listen', text, '--nick', 'ear'], { env });
  expect(JSON.parse(heard.out)).toMatchObject({ from: { nick: 'alice' }, text: 'hello' });
  const plainly = await run(['listen', text, '--nick', 'ear', '--no-json'], { env });
  expect(plainly.out).toBe('alice: hello\n');
});

test('it is found where XDG_CONFIG_HOME says', async () => {
  const dir = newDir();
  mkdirSync(join(dir, 'rxchat'));
  writeFileSync(join(dir, 'rxchat', 'config.json'), '\uFEFF{"invite": {"port": 7}}');
  expect((await run(['invite'], { env: { XDG_CONFIG_HOME: dir } })).out).toMatch(
    /^rxchat:\/\/127\.0\.0\.1:7\//,
  );
});

describe('a mistake in it ends every command in 2, with file, line, key and what to do', () => {
  test.each<[string, string[], string, string]>([
    ['of its form', ['invite'], '{\n"invite": {"port": }}', ':2: this is not JSON: value expected\n'],
    [
      'in a section of another command',
      ['invite'],
      '{"listen": {"nik": "a"}}',
      ':1: listen.nik: there is no such flag\nrxchat: hint: did you mean nick?\n',
    ],
    [
      'of a kind',
      ['serve'],
      '{"serve": {"port": "http"}}',
      ':1: serve.port: it is a number, without quotes\n',
    ],
    [
      'of a range',
      ['serve'],
      '{"serve": {"port": 70000}}',
      ':1: serve.port: --port needs a whole number from 0 to 65535\n',
    ],
    [
      'of a size',
      ['serve', '--port', '0'],
      '{"serve": {\n"window": "1k"}}',
      ':2: serve.window: --window needs a size from 262144 to 1099511627776 bytes, such as 16MiB\n',
    ],
    [
      'against the command line',
      ['serve', '--tls'],
      '{"serve": {"plain": true}}',
      ':1: serve.plain: --tls and --plain exclude each other\n',
    ],
  ])('%s', async (_, args, text, expected) => {
    const { file, env } = withFile(text);
    const { code, out, err } = await run(args, { env });
    expect([code, out, err]).toStrictEqual([2, '', `rxchat: ${file}${expected}`]);
  });

  test('that cannot be read', async () => {
    const home = newDir();
    mkdirSync(join(home, 'config.json'));
    const { code, err } = await run(['invite'], { env: { RXCHAT_HOME: home } });
    expect([code, err]).toStrictEqual([
      2,
      `rxchat: cannot read ${join(home, 'config.json')}: it is a directory\n`,
    ]);
  });

  const onUnix = process.platform === 'win32' ? test.skip : test;

  onUnix('that others can change', async () => {
    const { file, env } = withFile('{"listen": {"exec": "id"}}');
    for (const mode of [0o666, 0o620]) {
      chmodSync(file, mode);
      const { code, err } = await run(['invite'], { env });
      expect([code, err]).toStrictEqual([
        2,
        `rxchat: ${file} is open to others (mode 0${mode.toString(8)}): chmod go-w ${file}\n` +
          'rxchat: hint: if modes cannot be set there (FAT, /mnt/c of WSL), set RXCHAT_HOME to a directory on another file system\n',
      ]);
    }
    chmodSync(file, 0o644);
    expect((await run(['invite'], { env })).code).toBe(0);
  });

  onUnix('that is a pipe, which nobody may ever write to', async () => {
    const home = newDir();
    const file = join(home, 'config.json');
    execFileSync('mkfifo', [file]);
    const { code, err } = await run(['invite'], { env: { RXCHAT_HOME: home } });
    expect([code, err]).toStrictEqual([
      2,
      `rxchat: cannot read ${file}: it is not a file, but a pipe or a device\n`,
    ]);
  });

  test('but not the help, which may say how to mend it', async () => {
    const { env } = withFile('{');
    for (const args of [['--help'], ['serve', '--help'], ['--version']])
      expect((await run(args, { env })).code).toBe(0);
  });
});
