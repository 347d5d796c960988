import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newDir, run, rxchat, start, RXCHAT } from './support/child.js';
import { endAll } from './support/endings.js';
import { startRelay } from './support/relay.js';
import { hasTmux, openTerminal } from './support/tmux.js';

const tmux = await hasTmux();
const inTerminal = tmux ? test : test.skip;

beforeAll(() => {
  if (!tmux) console.warn('NOT TESTED: there is no tmux, so nothing is known about asking for a passphrase');
});
afterEach(endAll);

const WORDS = 'correct horse battery staple';

const keep = (text: string): string => {
  const file = join(newDir(), 'kept');
  writeFileSync(file, `${text}\n`, { mode: 0o600 });
  return file;
};

describe('rxchat invite', () => {
  test('makes words and shows them apart from the invite, which does not hold them', async () => {
    const { code, out, err } = await run(['invite', '--words', '7', '--room', 'book club']);
    expect(code).toBe(0);
    expect(out).toBe('rxchat://127.0.0.1:55555/#passphrase,kdf=scrypt-17-8-1,room=book%20club\n');
    expect(err).toMatch(/^rxchat: the passphrase of this room: [a-z]+( [a-z]+){6}\n$/);
    expect((await run(['invite', '--words', '7'])).err).not.toBe(err);
  });

  test('says of a short passphrase that it can be guessed, and nothing of a long one', async () => {
    const short = await run(['invite', '--passphrase-file', keep('hunter2')]);
    expect(short).toMatchObject({ code: 0, err: expect.stringContaining('of 7 characters is short') });
    expect(short.out + short.err).not.toContain('hunter2');
    expect(await run(['invite', '--passphrase-file', keep(WORDS)])).toMatchObject({ code: 0, err: '' });
  });

  test.each([
    ['a room without a passphrase', ['--room', 'x'], /--room names a room of a passphrase\n.*--passphrase/],
    ['words and a file', ['--words', '6', '--passphrase-file', '/dev/null'], /choose/],
    ['too few words', ['--words', '3'], /--words needs a whole number from 4 to 24/],
    [
      'a file without a passphrase',
      ['--passphrase-file', '/dev/null'],
      /there is no passphrase in \/dev\/null/,
    ],
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
  ])('refuses %s', async (_case, flags, why) => {
    const { code, out, err } = await run(['invite', ...flags]);
    expect([code, out]).toStrictEqual([2, '']);
    expect(err).toMatch(why);
    expect(err).not.toContain('hunter2');
  });
});

describe('a room of a passphrase', () => {
  const atRoom = async () => {
    const relay = await startRelay();
    const { out } = await run([
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

  test('is one for all who know it, from a file or the environment; who does not is told that nobody is there', async () => {
    const invite = await atRoom();
    const env = { RXCHAT_PASSPHRASE: WORDS };
    const sender = rxchat(['send', invite, '-m', 'hello', '--nick', 'alice'], { env });
    expect(await sender.exit).toBe(0);
    expect(sender.err.text).toContain('nobody has been in book club with this passphrase before');

    const listen = ['listen', invite, '--last', '9', '-n', '1', '--nick', 'bob'];
    const listener = rxchat([...listen, '--passphrase-file', keep(`  ${WORDS} `)]);
    expect(await listener.exit).toBe(0);
    expect(listener.out.text).toBe('alice: hello\n');
    expect(listener.err.text).not.toContain('nobody has been');

    const wrong = rxchat(['listen', invite], { env: { RXCHAT_PASSPHRASE: `${WORDS}s` } });
    await wrong.err.until(({ text }) => (text.includes('is it the right one?') ? true : undefined));
  });

  test('asks nobody where there is no terminal: it says how to give the passphrase, and ends', async () => {
    const invite = await atRoom();
    const child = start('setsid', ['-w', process.execPath, RXCHAT, 'listen', invite], { input: '' });
    expect(await child.exit).toBe(2);
    expect(child.err.text).toMatch(/no terminal to ask on\n.*--passphrase-file FILE or in RXCHAT_PASSPHRASE/);
  });

  inTerminal(
    'asks on the terminal, shows nothing of what is typed, and gives the terminal back',
    async () => {
      const invite = await atRoom();
      const alice = await openTerminal(['join', invite, '--nick', 'alice'], { columns: 80 });
      await alice.shows(/passphrase of the room book club:$/);
      const written = await alice.record();
      await alice.type(WORDS);
      await alice.press('Enter');
      await alice.shows(/you are in/);
      await alice.type('hello');
      await alice.press('Enter');
      await alice.shows(/\d\d:\d\d .?alice: hello/);
      expect(await written('hello')).not.toContain('horse');

      const listener = rxchat(['listen', invite, '--last', '9', '-n', '1'], {
        env: { RXCHAT_PASSPHRASE: WORDS },
      });
      expect(await listener.exit).toBe(0);
      expect(listener.out.text).toBe('alice: hello\n');
    },
  );

  inTerminal('asks on the terminal though standard input is a pipe', async () => {
    const invite = await atRoom();
    const script = `seq 3 | "$0" "$1" send '${invite}' --nick alice`;
    const terminal = await openTerminal([], { columns: 80, by: ['sh', '-c', script] });
    await terminal.shows(/passphrase of the room book club:$/);
    await terminal.type(WORDS);
    await terminal.press('Enter');
    await terminal.shows(/exit 0$/);
    const listener = rxchat(['listen', invite, '--last', '9', '-n', '3'], {
      env: { RXCHAT_PASSPHRASE: WORDS },
    });
    expect(await listener.exit).toBe(0);
    expect(listener.out.text).toBe('alice: 1\nalice: 2\nalice: 3\n');
  });

  inTerminal.each([
    ['join', (invite: string) => ['join', invite]],
    ['invite', () => ['invite', '--passphrase']],
  ])('%s --no-input does not ask, though it could', async (_, args) => {
    const terminal = await openTerminal([...args(await atRoom()), '--no-input'], { columns: 80 });
    const shown = await terminal.shows(/exit \d+$/);
    expect(shown).toMatch(
      /a passphrase is needed, and --no-input forbids asking for it\n.*--passphrase-file/,
    );
    expect(shown).toMatch(/exit 2$/);
    expect(shown).not.toContain('passphrase of the room');
  });

  inTerminal.each(['C-c', 'C-d'])('%s in place of a passphrase ends it, and joins nothing', async (key) => {
    const invite = await atRoom();
    const terminal = await openTerminal(['join', invite], { columns: 80 });
    await terminal.shows(/passphrase of the room book club:$/);
    await terminal.press(key);
    await terminal.shows(/no passphrase was given[^]*exit 2$/);
  });
});
