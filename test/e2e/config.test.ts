import { afterEach, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { newRoom, startRelay } from './support/relay.js';
import { runShared } from './support/runShared.js';

afterEach(cleanUp);

/** Returns an environment with a config file, and the path of that file. */
const withFile = (text: string) => {
  const home = tempDir();
  const file = join(home, 'config.json');
  writeFileSync(file, text);
  return { file, env: { RXCHAT_HOME: home } };
};

test('the config file sets options, and the command line overrides it', async () => {
  const relay = await startRelay();
  const { text } = newRoom(relay.port);
  const { env } = withFile('{"clients": {"nick": "alice"}, "listen": {"json": true, "last": 9, "count": 1}}');
  const sent = await runShared(['send', text, '-m', 'hello'], { env });
  expect([sent.code, sent.err]).toStrictEqual([0, '']);
  const received = await runShared(['listen', text, '--nick', 'ear'], { env });
  expect(JSON.parse(received.out)).toMatchObject({ from: { nick: 'alice' }, text: 'hello' });
  const plainly = await runShared(['listen', text, '--nick', 'ear', '--no-json'], { env });
  expect(plainly.out).toBe('alice: hello\n');
});

test('the config file is found below XDG_CONFIG_HOME', async () => {
  const dir = tempDir();
  mkdirSync(join(dir, 'rxchat'));
  writeFileSync(join(dir, 'rxchat', 'config.json'), '\uFEFF{"invite": {"port": 7}}');
  expect((await runShared(['invite'], { env: { XDG_CONFIG_HOME: dir } })).out).toMatch(
    /^rxchat:\/\/127\.0\.0\.1:7\//,
  );
});

describe('a mistake in the config file exits 2 with file, line, key and a hint', () => {
  test.each<[string, string[], string, string]>([
    ['in its syntax', ['invite'], '{\n"invite": {"port": }}', ':2: invalid JSON: value expected\n'],
    [
      'in a section of another command',
      ['invite'],
      '{"listen": {"nik": "a"}}',
      ':1: listen.nik: unknown flag\nrxchat: hint: did you mean nick?\n',
    ],
    [
      'of a kind',
      ['serve'],
      '{"serve": {"port": "http"}}',
      ':1: serve.port: must be a number, without quotes\n',
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
    const { code, out, err } = await runShared(args, { env });
    expect([code, out, err]).toStrictEqual([2, '', `rxchat: ${file}${expected}`]);
  });

  test('when the file cannot be read', async () => {
    const home = tempDir();
    mkdirSync(join(home, 'config.json'));
    const { code, err } = await runShared(['invite'], { env: { RXCHAT_HOME: home } });
    expect([code, err]).toStrictEqual([
      2,
      `rxchat: cannot read ${join(home, 'config.json')}: it is a directory\n`,
    ]);
  });

  const onUnix = process.platform === 'win32' ? test.skip : test;

  onUnix('when others can change the file', async () => {
    const { file, env } = withFile('{"listen": {"exec": "id"}}');
    for (const mode of [0o666, 0o620]) {
      chmodSync(file, mode);
      const { code, err } = await runShared(['invite'], { env });
      expect([code, err]).toStrictEqual([
        2,
        `rxchat: ${file} is open to others (mode 0${mode.toString(8)}): chmod go-w ${file}\n` +
          'rxchat: hint: if modes cannot be set there (FAT, /mnt/c of WSL), set RXCHAT_HOME to a directory on another file system\n',
      ]);
    }
    chmodSync(file, 0o644);
    expect((await runShared(['invite'], { env })).code).toBe(0);
  });

  onUnix('when the file is a pipe without a writer', async () => {
    const home = tempDir();
    const file = join(home, 'config.json');
    execFileSync('mkfifo', [file]);
    const { code, err } = await runShared(['invite'], { env: { RXCHAT_HOME: home } });
    expect([code, err]).toStrictEqual([
      2,
      `rxchat: cannot read ${file}: it is not a file, but a pipe or a device\n`,
    ]);
  });

  test('does not stop help, which explains the file', async () => {
    const { env } = withFile('{');
    for (const args of [['--help'], ['serve', '--help'], ['--version']])
      expect((await runShared(args, { env })).code).toBe(0);
  });
});
