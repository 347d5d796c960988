import { afterEach, describe, expect, test } from '@jest/globals';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newDir, run } from './support/child.js';
import { endAll } from './support/endings.js';
import { newRoom, startRelay } from './support/relay.js';

afterEach(endAll);

describe('a flag takes the next word as its value, whatever that begins with', () => {
  test('send -m says all of it', async () => {
    const relay = await startRelay();
    const { text } = newRoom(relay.port);
    const messages = ['-test', '--- a/file', '- item', '-5 °C', '-h', '--help', '--', '"quoted"', '-m'];
    for (const message of messages) expect((await run(['send', text, '-m', message])).code).toBe(0);
    // 0 is for what is stored.
    for (const empty of [['-m', ''], ['--message='], ['-m']])
      expect(await run(['send', text, ...empty])).toMatchObject({
        code: 2,
        err: expect.stringMatching(/^rxchat: (--message|-m) needs a value$/m),
      });
    const { out } = await run(['listen', text, '--until-now', '--json']);
    const said = out.trimEnd().split('\n');
    expect(said.map((line) => (JSON.parse(line) as { text: string }).text)).toStrictEqual(messages);
  });

  test('invite --pin has it in the invite', async () => {
    const pin = `-${'A'.repeat(42)}`;
    expect((await run(['invite', '--pin', pin])).out).toContain(`,pin=${pin}\n`);
    expect((await run(['invite', `--pin=${pin}`])).out).toContain(`,pin=${pin}\n`);
  });

  test('invite --host has a name in ASCII and an address without brackets in the invite', async () => {
    expect((await run(['invite', '--host', 'b\u00fccher.example'])).out).toMatch(
      /^rxchat:\/\/xn--bcher-kva\.example:/,
    );
    expect((await run(['invite', '--host', '[::1]'])).out).toMatch(/^rxchat:\/\/\[::1\]:55555\//);
  });
});

describe('help and version', () => {
  test.each([[['help', 'send']], [['send', '--help']], [['send', '-qh']], [['--help', 'send']]])(
    '%j',
    async (argv) => {
      const { code, out } = await run(argv);
      expect([code, out]).toStrictEqual([0, expect.stringMatching(/^rxchat send: /)]);
    },
  );

  test.each(['-v', '-V', '--version'])('%s', async (flag) => {
    const { code, out } = await run([flag]);
    expect([code, out]).toStrictEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+\n$/)]);
  });
});

test.each<[string, (invite: string) => string | Uint8Array]>([
  ['comments and empty lines before it', (invite) => `# our room\r\n\r\n  ${invite}\r\n# its end\r\n`],
  ['a mark before it', (invite) => `\ufeff${invite}\n`],
  ['UTF-16, as PowerShell writes it', (invite) => Buffer.from(`\ufeff${invite}\r\n`, 'utf16le')],
  ['UTF-16, the other way round', (invite) => Buffer.from(`\ufeff${invite}\n`, 'utf16le').swap16()],
])('--invite-file may have %s', async (_, written) => {
  const relay = await startRelay();
  const { text } = newRoom(relay.port);
  const file = join(newDir(), 'room.txt');
  writeFileSync(file, written(text), { mode: 0o600 });
  expect(await run(['send', '--invite-file', file, '-m', 'hello'])).toMatchObject({ code: 0, err: '' });
});

test('--invite-file - is standard input, which then is not what is sent', async () => {
  const relay = await startRelay();
  const { text } = newRoom(relay.port);
  const input = `# our room\n${text}\n`;
  const sent = await run(['send', '--invite-file', '-', '-m', 'hello'], { input });
  expect([sent.code, sent.err]).toStrictEqual([0, '']);
  const heard = await run(['listen', '--invite-file', '-', '--last', '9', '-n', '1'], { input });
  expect(heard.out).toMatch(/: hello\n$/);
  expect(await run(['send', '--invite-file', '-'], { input })).toMatchObject({
    code: 2,
    err: 'rxchat: standard input is the invite, and so not what is to be sent\nrxchat: hint: give that with -m TEXT\n',
  });
  expect((await run(['listen', '--invite-file', '-'], { input: '' })).err).toContain('there is no invite');
});

const onUnix = process.platform === 'win32' ? test.skip : test;

onUnix('an invite is written with --out for its owner alone, and over nothing', async () => {
  const relay = await startRelay();
  const file = join(newDir(), 'room.txt');
  const make = (...flags: string[]) => run(['invite', '--port', String(relay.port), '--out', file, ...flags]);
  expect(await make()).toStrictEqual({
    code: 0,
    out: '',
    err: `rxchat: the invite is in ${file}; whoever has it is in\n`,
  });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const before = readFileSync(file, 'utf8');
  expect(before).toMatch(/^rxchat:\/\/\S+\n$/);
  expect(await make()).toMatchObject({ code: 2, err: expect.stringContaining(`${file} is there already`) });
  expect(readFileSync(file, 'utf8')).toBe(before);
  expect(await run(['send', '--invite-file', file, '-m', 'x'])).toMatchObject({ code: 0, err: '' });
  chmodSync(file, 0o644);
  const warning = `rxchat: others can read the invite in ${file}, and whoever has it is in: chmod 600 ${file}\n`;
  expect(await run(['send', '--invite-file', file, '-m', 'x'])).toMatchObject({ code: 0, err: warning });
  expect(await run(['send', '--invite-file', file, '-m', 'x', '-q'])).toMatchObject({ code: 0, err: '' });
  expect(await run(['invite', '--out', '/dev/null/x'])).toMatchObject({
    code: 2,
    err: 'rxchat: cannot write --out /dev/null/x: a part of the path is not a directory\n',
  });
});
