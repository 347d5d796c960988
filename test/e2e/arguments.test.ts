import { afterEach, describe, expect, test } from '@jest/globals';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, tempDir } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { newRoom, startRelay } from './support/relay.js';
import { runShared } from './support/runShared.js';

afterEach(cleanUp);

describe('a flag takes the next word as its value, whatever that begins with:', () => {
  test('send -m sends all of it', async () => {
    const relay = await startRelay();
    const { text } = newRoom(relay.port);
    const messages = ['-test', '--- a/file', '- item', '-5 °C', '-h', '--help', '--', '"quoted"', '-m'];
    for (const message of messages) expect((await runShared(['send', text, '-m', message])).code).toBe(0);
    // Exit code 0 means that the line is stored.
    for (const empty of [['-m', ''], ['--message='], ['-m']])
      expect(await runShared(['send', text, ...empty])).toMatchObject({
        code: 2,
        err: expect.stringMatching(/^rxchat: (--message|-m) needs a value$/m),
      });
    const { out } = await runShared(['listen', text, '--until-now', '--json']);
    const sent = out.trimEnd().split('\n');
    expect(sent.map((line) => (JSON.parse(line) as { text: string }).text)).toStrictEqual(messages);
  });

  test('invite --pin puts it into the invite', async () => {
    const pin = `-${'A'.repeat(42)}`;
    expect((await runShared(['invite', '--pin', pin])).out).toContain(`,pin=${pin}\n`);
    expect((await runShared(['invite', `--pin=${pin}`])).out).toContain(`,pin=${pin}\n`);
  });

  test('invite --host puts an ASCII name and an address without brackets into the invite', async () => {
    expect((await runShared(['invite', '--host', 'b\u00fccher.example'])).out).toMatch(
      /^rxchat:\/\/xn--bcher-kva\.example:/,
    );
    expect((await runShared(['invite', '--host', '[::1]'])).out).toMatch(/^rxchat:\/\/\[::1\]:55555\//);
  });
});

describe('help and version are printed for', () => {
  test.each([[['help', 'send']], [['send', '--help']], [['send', '-qh']], [['--help', 'send']]])(
    '%j',
    async (argv) => {
      const { code, out } = await runShared(argv);
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
  const file = join(tempDir(), 'room.txt');
  writeFileSync(file, written(text), { mode: 0o600 });
  expect(await runShared(['send', '--invite-file', file, '-m', 'hello'])).toMatchObject({ code: 0, err: '' });
});

test('--invite-file - reads the invite from standard input, which is then not sent', async () => {
  const relay = await startRelay();
  const { text } = newRoom(relay.port);
  const input = `# our room\n${text}\n`;
  const sent = await run(['send', '--invite-file', '-', '-m', 'hello'], { input });
  expect([sent.code, sent.err]).toStrictEqual([0, '']);
  const received = await run(['listen', '--invite-file', '-', '--last', '9', '-n', '1'], { input });
  expect(received.out).toMatch(/: hello\n$/);
  expect(await run(['send', '--invite-file', '-'], { input })).toMatchObject({
    code: 2,
    err: 'rxchat: standard input is already used for the invite\nrxchat: hint: give the message with -m TEXT\n',
  });
  expect((await run(['listen', '--invite-file', '-'], { input: '' })).err).toContain(
    'no invite on standard input',
  );
});

const onUnix = process.platform === 'win32' ? test.skip : test;

onUnix('--out writes an invite readable only by its owner, and never overwrites a file', async () => {
  const relay = await startRelay();
  const file = join(tempDir(), 'room.txt');
  const make = (...flags: string[]) =>
    runShared(['invite', '--port', String(relay.port), '--out', file, ...flags]);
  expect(await make()).toStrictEqual({
    code: 0,
    out: '',
    err: `rxchat: the invite was saved in ${file}; it admits anyone who has it\n`,
  });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const before = readFileSync(file, 'utf8');
  expect(before).toMatch(/^rxchat:\/\/\S+\n$/);
  expect(await make()).toMatchObject({ code: 2, err: expect.stringContaining(`${file} already exists`) });
  expect(readFileSync(file, 'utf8')).toBe(before);
  expect(await runShared(['send', '--invite-file', file, '-m', 'x'])).toMatchObject({ code: 0, err: '' });
  chmodSync(file, 0o644);
  const warning = `rxchat: other users can read the invite in ${file}, which admits anyone who has it; run: chmod 600 ${file}\n`;
  expect(await runShared(['send', '--invite-file', file, '-m', 'x'])).toMatchObject({
    code: 0,
    err: warning,
  });
  expect(await runShared(['send', '--invite-file', file, '-m', 'x', '-q'])).toMatchObject({
    code: 0,
    err: '',
  });
  expect(await runShared(['invite', '--out', '/dev/null/x'])).toMatchObject({
    code: 2,
    err: 'rxchat: cannot write --out /dev/null/x: a part of the path is not a directory\n',
  });
});
