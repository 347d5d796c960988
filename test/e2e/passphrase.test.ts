import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir, rxchat, start, RXCHAT } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { startRelay } from './support/relay.js';
import { runShared } from './support/runShared.js';
import { hasTmux, openTerminal } from './support/tmux.js';

const tmux = await hasTmux();
const inTerminal = tmux ? test : test.skip;

beforeAll(() => {
  if (!tmux) console.warn('NOT TESTED: there is no tmux, so nothing is known about asking for a passphrase');
});
afterEach(cleanUp);

const WORDS = 'correct horse battery staple';
const EMPTY_ROOM = 'room book club is empty with this passphrase; check it for typos\n';

const keep = (text: string): string => {
  const file = join(tempDir(), 'kept');
  writeFileSync(file, `${text}\n`, { mode: 0o600 });
  return file;
};

describe('rxchat invite', () => {
  test('creates words and shows them apart from the invite, which does not contain them', async () => {
    const { code, out, err } = await runShared(['invite', '--words', '7', '--room', 'book club']);
    expect(code).toBe(0);
    expect(out).toBe('rxchat://127.0.0.1:55555/#passphrase,kdf=scrypt-17-8-1,room=book%20club\n');
    expect(err).toMatch(/^rxchat: the passphrase of this room: [a-z]+( [a-z]+){6}\n$/);
    expect((await runShared(['invite', '--words', '7'])).err).not.toBe(err);
  });

  test('warns that a short passphrase can be guessed, and does not warn about a long one', async () => {
    const short = await runShared(['invite', '--passphrase-file', keep('hunter2')]);
    expect(short).toMatchObject({ code: 0, err: expect.stringContaining('of 7 characters is short') });
    expect(short.out + short.err).not.toContain('hunter2');
    expect(await runShared(['invite', '--passphrase-file', keep(WORDS)])).toMatchObject({ code: 0, err: '' });
  });

  test.each([
    ['a room without a passphrase', ['--room', 'x'], /--room needs --passphrase\n.*--passphrase/],
    [
      'words and a file',
      ['--words', '6', '--passphrase-file', '/dev/null'],
      /use only one of --words and --passphrase-file/,
    ],
    ['too few words', ['--words', '3'], /--words needs a whole number from 4 to 24/],
    ['a file without a passphrase', ['--passphrase-file', '/dev/null'], /no passphrase in \/dev\/null/],
    [
      'a file that is not there',
      ['--passphrase-file', '/nowhere/p'],
      /cannot read .*\/nowhere\/p: no such file or directory/,
    ],
    [
      'a room with a control',
      ['--words', '6', '--room', 'a\u001bb'],
      /--room: the room's name has a control/,
    ],
    ['a passphrase on the command line', ['--passphrase=hunter2'], /--passphrase takes no value/],
    ['a passphrase as an argument', ['--passphrase', 'hunter2'], /takes no argument/],
  ])('rejects %s', async (_case, flags, why) => {
    const { code, out, err } = await runShared(['invite', ...flags]);
    expect([code, out]).toStrictEqual([2, '']);
    expect(err).toMatch(why);
    expect(err).not.toContain('hunter2');
  });
});

describe('a room with a passphrase', () => {
  const atRoom = async () => {
    const relay = await startRelay();
    const { out } = await runShared([
      'invite',
      '--words',
      '6',
      '--room',
      'book club',
      '--port',
      String(relay.port),
    ]);
    return out.trim();
  };

  test('is the same room with the same passphrase, from a file or the environment; a wrong passphrase leads to an empty room', async () => {
    const invite = await atRoom();
    const env = { RXCHAT_PASSPHRASE: WORDS };
    const sender = rxchat(['send', invite, '-m', 'hello', '--nick', 'alice'], { env });
    expect(await sender.exit).toBe(0);
    expect(sender.err.text).toContain(EMPTY_ROOM);

    const listen = ['listen', invite, '--last', '9', '-n', '1', '--nick', 'bob'];
    const listener = rxchat([...listen, '--passphrase-file', keep(`  ${WORDS} `)]);
    expect(await listener.exit).toBe(0);
    expect(listener.out.text).toBe('alice: hello\n');
    expect(listener.err.text).not.toContain('is empty');

    const wrong = rxchat(['listen', invite], { env: { RXCHAT_PASSPHRASE: `${WORDS}s` } });
    await wrong.err.until(({ text }) => (text.includes(EMPTY_ROOM) ? true : undefined));
  });

  test('does not prompt without a terminal: the command exits and says how to give the passphrase', async () => {
    const invite = await atRoom();
    const child = start('setsid', ['-w', process.execPath, RXCHAT, 'listen', invite], { input: '' });
    expect(await child.exit).toBe(2);
    expect(child.err.text).toMatch(
      /a passphrase is required, but there is no terminal to prompt on\n.*--passphrase-file FILE or in RXCHAT_PASSPHRASE/,
    );
  });

  inTerminal('prompts on the terminal without echo, and restores the terminal', async () => {
    const invite = await atRoom();
    const alice = await openTerminal(['join', invite, '--nick', 'alice'], { columns: 80 });
    await alice.waitFor(/passphrase of the room book club:$/);
    const written = await alice.record();
    await alice.type(WORDS);
    await alice.press('Enter');
    await alice.waitFor(/you are in/);
    await alice.type('hello');
    await alice.press('Enter');
    await alice.waitFor(/\d\d:\d\d .?alice: hello/);
    expect(await written('hello')).not.toContain('horse');

    const listener = rxchat(['listen', invite, '--last', '9', '-n', '1'], {
      env: { RXCHAT_PASSPHRASE: WORDS },
    });
    expect(await listener.exit).toBe(0);
    expect(listener.out.text).toBe('alice: hello\n');
  });

  inTerminal('prompts on the terminal even if standard input is a pipe', async () => {
    const invite = await atRoom();
    const script = `seq 3 | "$0" "$1" send '${invite}' --nick alice`;
    const terminal = await openTerminal([], { columns: 80, wrapper: ['sh', '-c', script] });
    await terminal.waitFor(/passphrase of the room book club:$/);
    await terminal.type(WORDS);
    await terminal.press('Enter');
    await terminal.waitFor(/exit 0$/);
    const listener = rxchat(['listen', invite, '--last', '9', '-n', '3'], {
      env: { RXCHAT_PASSPHRASE: WORDS },
    });
    expect(await listener.exit).toBe(0);
    expect(listener.out.text).toBe('alice: 1\nalice: 2\nalice: 3\n');
  });

  inTerminal.each([
    ['join', (invite: string) => ['join', invite]],
    ['invite', () => ['invite', '--passphrase']],
  ])('does not prompt in %s --no-input, although a terminal is there', async (_, args) => {
    const terminal = await openTerminal([...args(await atRoom()), '--no-input'], { columns: 80 });
    const screen = await terminal.waitFor(/exit \d+$/);
    expect(screen).toMatch(/a passphrase is required, but --no-input forbids prompting\n.*--passphrase-file/);
    expect(screen).toMatch(/exit 2$/);
    expect(screen).not.toContain('passphrase of the room');
  });

  inTerminal.each(['C-c', 'C-d'])(
    'ends the command without joining when the passphrase prompt gets %s',
    async (key) => {
      const invite = await atRoom();
      const terminal = await openTerminal(['join', invite], { columns: 80 });
      await terminal.waitFor(/passphrase of the room book club:$/);
      await terminal.press(key);
      await terminal.waitFor(/no passphrase was given[^]*exit 2$/);
    },
  );
});
