import { chmodSync, existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { tempDir, run, rxchat } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { newRoom, type Room, startRelay } from './support/relay.js';
import { runShared } from './support/runShared.js';
import { hasTmux, openTerminal, type Terminal } from './support/tmux.js';

afterEach(cleanUp);

const as = (data: string) => ({ env: { XDG_DATA_HOME: data } });
const send = ({ text }: Room, nick: string, data: string, ...flags: string[]) =>
  runShared(['send', text, '--nick', nick, '-m', `of ${nick}`, ...flags], as(data));
const receive = ({ text }: Room, data: string, ...flags: string[]) =>
  run(['listen', text, '--after', '0', ...flags], as(data));

test('every user gets a key of their own, created once and readable only by its owner', async () => {
  const room = newRoom((await startRelay()).port);
  const [alice, bob] = [tempDir(), tempDir()];
  for (const data of [alice, bob, alice]) expect((await send(room, 'x', data)).code).toBe(0);
  const path = join(alice, 'rxchat', 'identity.pem');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const { out } = await receive(room, tempDir(), '--json', '-n', '3', '--accept-key');
  const keys = out
    .trim()
    .split('\n')
    .map((each) => JSON.parse(each) as { type: string; from: { key: string } })
    .filter(({ type }) => type === 'message')
    .map(({ from }) => from.key);
  expect([keys.length, keys[0] === keys[2], keys[0] === keys[1]]).toStrictEqual([3, true, false]);
});

test('a command refuses a key that others can read with exit code 5, and does not replace it', async () => {
  const room = newRoom((await startRelay()).port);
  const alice = tempDir();
  await send(room, 'alice', alice);
  const path = join(alice, 'rxchat', 'identity.pem');
  const before = readFileSync(path, 'utf8');
  chmodSync(path, 0o644);
  const { code, err } = await send(room, 'alice', alice);
  expect([code, err]).toStrictEqual([
    5,
    `rxchat: ${path} is open to others (mode 0644): chmod 600 ${path}\n` +
      'rxchat: hint: if modes cannot be set there (FAT, /mnt/c of WSL), set RXCHAT_HOME to a directory on another file system\n',
  ]);
  expect(readFileSync(path, 'utf8')).toBe(before);
});

test('a first message is reported; a known nick with another key is reported and marked, and ends nothing', async () => {
  const relay = await startRelay();
  const room = newRoom(relay.port);
  const [listener, bob, mallory] = [tempDir(), tempDir(), tempDir()];
  await send(room, 'bob', bob);
  const first = await receive(room, listener, '-n', '1');
  expect([first.code, first.out]).toStrictEqual([0, 'bob: of bob\n']);
  expect(first.err).toMatch(/^rxchat: first message from bob, with the key [\w-]{43}$/m);
  // The key is known from then on.
  expect((await receive(room, listener, '-n', '1')).err).not.toContain('first message from');

  // A client that only sends is not affected.
  const sender = rxchat(['send', room.text, '--nick', 'carol'], as(listener));
  await relay.joined('carol');
  await send(room, 'bob', mallory);
  await send(room, 'bob', bob);
  await send(room, 'bob', mallory);
  sender.writeInput('of carol\n');
  sender.endInput();
  expect([await sender.exit, sender.err.text]).toStrictEqual([0, expect.not.stringContaining('key')]);

  const lines = ['bob: of bob', '!bob: of bob', 'bob: of bob', '!bob: of bob', 'carol: of carol'];
  const all = async (count: number, ...flags: string[]) => {
    const { code, out, err } = await receive(room, listener, '-n', String(count), ...flags);
    return {
      code,
      out: out.trimEnd().split('\n'),
      reported: err.match(/bob has a different key than before/g)?.length,
    };
  };
  expect(await all(5)).toStrictEqual({ code: 0, out: lines, reported: 1 });
  expect(await all(3, '--on-key-change', 'skip')).toStrictEqual({
    code: 0,
    out: ['bob: of bob', 'bob: of bob', 'carol: of carol'],
    reported: 1,
  });
  expect(await all(5, '--on-key-change', 'end')).toStrictEqual({
    code: 5,
    out: ['bob: of bob'],
    reported: 1,
  });
  const json = await receive(room, listener, '-n', '5', '--json');
  const parsed = json.out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { type: string; from: object });
  expect(parsed.map(({ type, from }) => [type, 'changed' in from && from.changed])).toStrictEqual([
    ['message', false],
    ['key-changed', false],
    ['message', true],
    ['message', false],
    ['message', true],
    ['message', false],
  ]);
  const run = await receive(
    room,
    listener,
    '-n',
    '2',
    '--exec',
    'echo "$RXCHAT_MESSAGE_NICK,$RXCHAT_MESSAGE_CHANGED"',
  );
  expect(run.out).toBe('bob,\nbob,1\n');

  const accepted = await all(2, '--accept-key');
  expect(accepted).toStrictEqual({ code: 0, out: ['bob: of bob', 'bob: of bob'], reported: 1 });
});

test('a listener with a cursor file continues after a nick with a changed key on each restart', async () => {
  const room = newRoom((await startRelay()).port);
  const [listener, bob, mallory] = [tempDir(), tempDir(), tempDir()];
  const cursor = join(tempDir(), 'cursor');
  await send(room, 'bob', bob);
  await send(room, 'bob', mallory);
  await send(room, 'carol', bob);
  const outs: string[] = [];
  for (let n = 0; n < 3; n += 1)
    outs.push((await receive(room, listener, '-n', '1', ...(n === 0 ? [] : ['--cursor-file', cursor]))).out);
  // The first run has only met bob; the second one restarts with a cursor.
  expect(outs).toStrictEqual(['bob: of bob\n', 'bob: of bob\n', '!bob: of bob\n']);
  expect((await receive(room, listener, '-n', '1', '--cursor-file', cursor)).out).toBe('carol: of carol\n');
});

test('a command of --exec receives no secrets', async () => {
  const room = newRoom((await startRelay()).port);
  expect((await send(room, 'bob', tempDir())).code).toBe(0);
  const env = {
    ...as(tempDir()).env,
    RXCHAT_INVITE: room.text,
    RXCHAT_PASSPHRASE: 'secret',
    RXCHAT_ACCESS_TOKEN: 'a secret of more than sixteen',
    OTHER: 'there',
  };
  const { out } = await run(['listen', '--last', '9', '-n', '1', '--exec', 'env'], { env });
  expect(out).toContain('OTHER=there');
  expect(out.match(/^RXCHAT_(?!MESSAGE_)\w+/gm)).toBeNull();
});

const inTerminal = (await hasTmux()) ? test : test.skip;
if (inTerminal === test.skip)
  console.warn('NOT TESTED: there is no tmux on this machine, so nothing is known about /verify');

inTerminal('/verify shows both members the same number, and stores the answer', async () => {
  const room = newRoom((await startRelay()).port);
  const [alice, bob] = [tempDir(), tempDir()];
  const openChat = async (nick: string, data: string) => {
    const terminal = await openTerminal(['join', room.text, '--nick', nick], { columns: 80, rows: 30, data });
    await terminal.waitFor(/you are in/);
    return terminal;
  };
  const enter = async (terminal: Terminal, text: string) => {
    await terminal.type(text);
    await terminal.press('Enter');
  };
  const [one, other] = [await openChat('alice', alice), await openChat('bob', bob)];
  await enter(one, '/verify bob');
  await one.waitFor(/^-- no key is known for the nick “bob”; it has not sent a message yet$/m);
  await enter(one, 'hello bob');
  await other.waitFor(/^-- first message from alice; verify with \/verify alice$/m);
  await other.waitFor(/^\d\d:\d\d \?alice: hello bob$/m);
  await enter(other, 'hello alice');
  await one.waitFor(/^\d\d:\d\d \?bob: hello alice$/m);

  const number = /^-- (\d{5}(?: \d{5}){11})$/m;
  await enter(one, '/verify bob');
  await enter(other, '/verify alice');
  const numbers = [number.exec(await one.waitFor(number)), number.exec(await other.waitFor(number))];
  expect(numbers[0]?.[1]).toBe(numbers[1]?.[1]);
  await enter(one, '/verify bob yes');
  await one.waitFor(/^-- bob is verified$/m);
  await enter(other, 'again');
  await one.waitFor(/^\d\d:\d\d \u2713bob: again$/m);
  expect(existsSync(join(alice, 'rxchat', 'known-keys'))).toBe(true);

  // In another run, too.
  const { out } = await runShared(['listen', room.text, '--after', '0', '-n', '3', '--json'], as(alice));
  expect(
    out
      .trim()
      .split('\n')
      .map((each) => (JSON.parse(each) as { from: object }).from),
  ).toMatchObject([
    { nick: 'alice', verified: true },
    { nick: 'bob', verified: true },
    { nick: 'bob', verified: true },
  ]);
  await enter(one, '/verify bob no');
  await one.waitFor(/^-- bob is not verified$/m);
});

test('members of one run do not fill the known keys, and only foreign keys are reported as first seen', async () => {
  const room = newRoom((await startRelay()).port);
  const [bob, listener] = [tempDir(), tempDir()];
  for (let i = 0; i < 2; i += 1)
    expect((await runShared(['send', room.text, '-m', 'x'], as(bob))).code).toBe(0);
  expect((await send(room, 'bob', bob)).code).toBe(0);
  const own = await receive(room, bob, '-n', '3');
  expect([own.code, own.err]).toStrictEqual([0, expect.not.stringMatching(/first message from \S*~/)]);
  const others = await receive(room, listener, '-n', '3');
  expect(others.out).toMatch(/^(\S+~[\w-]{8}: x\n){2}bob: of bob\n$/);
  expect(others.err.match(/first message from \S+~[\w-]{8},/g)).toHaveLength(2);
  const known = readFileSync(join(listener, 'rxchat', 'known-keys'), 'utf8');
  expect([known.match(/"nick":"[^"]*"/g)]).toStrictEqual([['"nick":"bob"']]);
});
