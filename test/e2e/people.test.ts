import { chmodSync, existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { newDir, run, rxchat } from './support/child.js';
import { endAll } from './support/endings.js';
import { newRoom, type Room, startRelay } from './support/relay.js';
import { hasTmux, openTerminal, type Terminal } from './support/tmux.js';

afterEach(endAll);

const as = (data: string) => ({ env: { XDG_DATA_HOME: data } });
const say = ({ text }: Room, nick: string, data: string, ...flags: string[]) =>
  run(['send', text, '--nick', nick, '-m', `of ${nick}`, ...flags], as(data));
const hear = ({ text }: Room, data: string, ...flags: string[]) =>
  run(['listen', text, '--after', '0', ...flags], as(data));

test('everyone has a key of their own, made once and kept for its owner alone', async () => {
  const room = newRoom((await startRelay()).port);
  const [alice, bob] = [newDir(), newDir()];
  for (const data of [alice, bob, alice]) expect((await say(room, 'x', data)).code).toBe(0);
  const path = join(alice, 'rxchat', 'identity.pem');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const { out } = await hear(room, newDir(), '--json', '-n', '3', '--accept-key');
  const keys = out
    .trim()
    .split('\n')
    .map((each) => JSON.parse(each) as { type: string; from: { key: string } })
    .filter(({ type }) => type === 'message')
    .map(({ from }) => from.key);
  expect([keys.length, keys[0] === keys[2], keys[0] === keys[1]]).toStrictEqual([3, true, false]);
});

test('a key that others can read is refused with 5, and not replaced', async () => {
  const room = newRoom((await startRelay()).port);
  const alice = newDir();
  await say(room, 'alice', alice);
  const path = join(alice, 'rxchat', 'identity.pem');
  const before = readFileSync(path, 'utf8');
  chmodSync(path, 0o644);
  const { code, err } = await say(room, 'alice', alice);
  expect([code, err]).toStrictEqual([
    5,
    `rxchat: ${path} is open to others (mode 0644): chmod 600 ${path}\n` +
      'rxchat: hint: if modes cannot be set there (FAT, /mnt/c of WSL), set RXCHAT_HOME to a directory on another file system\n',
  ]);
  expect(readFileSync(path, 'utf8')).toBe(before);
});

test('who is met for the first time is told; a known nick with another key is told and marked, and ends nothing', async () => {
  const relay = await startRelay();
  const room = newRoom(relay.port);
  const [ear, bob, mallory] = [newDir(), newDir(), newDir()];
  await say(room, 'bob', bob);
  const first = await hear(room, ear, '-n', '1');
  expect([first.code, first.out]).toStrictEqual([0, 'bob: of bob\n']);
  expect(first.err).toMatch(/^rxchat: bob is met for the first time, with the key [\w-]{43}$/m);
  // It is known from then on.
  expect((await hear(room, ear, '-n', '1')).err).not.toContain('first time');

  // Who only sends is not concerned.
  const sender = rxchat(['send', room.text, '--nick', 'carol'], as(ear));
  await relay.joined('carol');
  await say(room, 'bob', mallory);
  await say(room, 'bob', bob);
  await say(room, 'bob', mallory);
  sender.feed('of carol\n');
  sender.endInput();
  expect([await sender.exit, sender.err.text]).toStrictEqual([0, expect.not.stringContaining('key')]);

  const lines = ['bob: of bob', '!bob: of bob', 'bob: of bob', '!bob: of bob', 'carol: of carol'];
  const all = async (count: number, ...flags: string[]) => {
    const { code, out, err } = await hear(room, ear, '-n', String(count), ...flags);
    return {
      code,
      out: out.trimEnd().split('\n'),
      told: err.match(/bob has another key than before/g)?.length,
    };
  };
  expect(await all(5)).toStrictEqual({ code: 0, out: lines, told: 1 });
  expect(await all(3, '--on-key-change', 'skip')).toStrictEqual({
    code: 0,
    out: ['bob: of bob', 'bob: of bob', 'carol: of carol'],
    told: 1,
  });
  expect(await all(5, '--on-key-change', 'end')).toStrictEqual({ code: 5, out: ['bob: of bob'], told: 1 });
  const json = await hear(room, ear, '-n', '5', '--json');
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
  const run = await hear(
    room,
    ear,
    '-n',
    '2',
    '--exec',
    'echo "$RXCHAT_MESSAGE_NICK,$RXCHAT_MESSAGE_CHANGED"',
  );
  expect(run.out).toBe('bob,\nbob,1\n');

  const accepted = await all(2, '--accept-key');
  expect(accepted).toStrictEqual({ code: 0, out: ['bob: of bob', 'bob: of bob'], told: 1 });
});

test('with a cursor file each restart goes on behind a nick that came with another key', async () => {
  const room = newRoom((await startRelay()).port);
  const [ear, bob, mallory] = [newDir(), newDir(), newDir()];
  const cursor = join(newDir(), 'cursor');
  await say(room, 'bob', bob);
  await say(room, 'bob', mallory);
  await say(room, 'carol', bob);
  const outs: string[] = [];
  for (let n = 0; n < 3; n += 1)
    outs.push((await hear(room, ear, '-n', '1', ...(n === 0 ? [] : ['--cursor-file', cursor]))).out);
  // The first run has only met bob; the second begins anew, with a cursor.
  expect(outs).toStrictEqual(['bob: of bob\n', 'bob: of bob\n', '!bob: of bob\n']);
  expect((await hear(room, ear, '-n', '1', '--cursor-file', cursor)).out).toBe('carol: of carol\n');
});

test('a command of --exec gets none of the secrets', async () => {
  const room = newRoom((await startRelay()).port);
  expect((await say(room, 'bob', newDir())).code).toBe(0);
  const env = {
    ...as(newDir()).env,
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

inTerminal('/verify shows both the same number, and remembers the answer', async () => {
  const room = newRoom((await startRelay()).port);
  const [alice, bob] = [newDir(), newDir()];
  const sit = async (nick: string, data: string) => {
    const terminal = await openTerminal(['join', room.text, '--nick', nick], { columns: 80, rows: 30, data });
    await terminal.shows(/you are in/);
    return terminal;
  };
  const enter = async (terminal: Terminal, text: string) => {
    await terminal.type(text);
    await terminal.press('Enter');
  };
  const [one, other] = [await sit('alice', alice), await sit('bob', bob)];
  await enter(one, '/verify bob');
  await one.shows(/^-- no key is known for the nick “bob”: it has not said anything yet$/m);
  await enter(one, 'hello bob');
  await other.shows(/^-- alice is met for the first time; \/verify alice tells whether it is them$/m);
  await other.shows(/^\d\d:\d\d \?alice: hello bob$/m);
  await enter(other, 'hello alice');
  await one.shows(/^\d\d:\d\d \?bob: hello alice$/m);

  const number = /^-- (\d{5}(?: \d{5}){11})$/m;
  await enter(one, '/verify bob');
  await enter(other, '/verify alice');
  const numbers = [number.exec(await one.shows(number)), number.exec(await other.shows(number))];
  expect(numbers[0]?.[1]).toBe(numbers[1]?.[1]);
  await enter(one, '/verify bob yes');
  await one.shows(/^-- bob is verified$/m);
  await enter(other, 'again');
  await one.shows(/^\d\d:\d\d \u2713bob: again$/m);
  expect(existsSync(join(alice, 'rxchat', 'known-keys'))).toBe(true);

  // In another run, too.
  const { out } = await run(['listen', room.text, '--after', '0', '-n', '3', '--json'], as(alice));
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
  await one.shows(/^-- bob is not verified$/m);
});

test("nicks of one run fill nobody's known keys, and are told as first seen only where their key is not one's own", async () => {
  const room = newRoom((await startRelay()).port);
  const [bob, ear] = [newDir(), newDir()];
  for (let i = 0; i < 2; i += 1) expect((await run(['send', room.text, '-m', 'x'], as(bob))).code).toBe(0);
  expect((await say(room, 'bob', bob)).code).toBe(0);
  const own = await hear(room, bob, '-n', '3');
  expect([own.code, own.err]).toStrictEqual([0, expect.not.stringMatching(/~.* is met for the first time/)]);
  const others = await hear(room, ear, '-n', '3');
  expect(others.out).toMatch(/^(\S+~[\w-]{8}: x\n){2}bob: of bob\n$/);
  expect(others.err.match(/~[\w-]{8} is met for the first time/g)).toHaveLength(2);
  const known = readFileSync(join(ear, 'rxchat', 'known-keys'), 'utf8');
  expect([known.match(/"nick":"[^"]*"/g)]).toStrictEqual([['"nick":"bob"']]);
});
