import { afterEach, expect, test } from '@jest/globals';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { JSON_SHAPES, shapeOf } from '../support/jsonShapes.js';
import { run, rxchat, tempDir } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { connectRaw, entriesOf, fakeToken, joinRaw, seal } from './support/rawClient.js';
import { newRoom } from './support/relay.js';

afterEach(cleanUp);

const serve = async (dir: string, ...flags: readonly string[]) => {
  const child = rxchat(['serve', '--port', '0', '--data', dir, ...flags]);
  const isComplete = flags.includes('--metrics') ? /^metrics on /m : /^/;
  const [, port] = await child.out.until(({ text }) =>
    isComplete.test(text) ? /^listening on \S+:(\d+)\n/.exec(text) : undefined,
  );
  return { child, port: Number(port) };
};

/** Runs `rxchat admin`, which must succeed, and returns what it prints. */
const admin = async (dir: string, ...args: readonly string[]): Promise<string> => {
  const { code, out, err } = await run(['admin', ...args, '--data', dir]);
  expect([code, err]).toStrictEqual([0, '']);
  return out;
};

test('admin shows and steers a running relay, also after one that was killed', async () => {
  const dir = tempDir();
  const killed = await serve(dir);
  killed.child.signal('SIGKILL');
  await killed.child.exit;
  expect(existsSync(join(dir, 'admin.sock'))).toBe(true);

  const { child, port } = await serve(dir);
  expect(statSync(join(dir, 'admin.sock')).mode & 0o777).toBe(0o600);
  const room = newRoom(port);
  await joinRaw(room, 'alice');
  const stranger = await connectRaw(port);
  await stranger.output.until(({ text }) => text.startsWith('NICK '));

  const status = await admin(dir, 'status');
  expect(status).toMatch(/^state +serving$/m);
  expect(status).toMatch(/^connections +2$/m);
  expect(status).toMatch(/^members +1$/m);
  expect(status).toMatch(new RegExp(`^addresses +127\\.0\\.0\\.1:${port}$`, 'm'));
  const [titles, first = '', second] = (await admin(dir, 'connections')).split('\n');
  expect(titles).toMatch(/^ADDRESS +NICK +SINCE +RECEIVED +ROOM$/);
  expect(first).toMatch(/^127\.0\.0\.1:\d+ +alice +\S+ \S+Z +\d+ B +[\w-]{43}$/);
  expect(second).toMatch(/^127\.0\.0\.1:\d+ +- +\S+ \S+Z +0 B +-$/);
  for (const action of ['status', 'connections', 'rooms', 'log-level']) {
    const object = JSON.parse(await admin(dir, action, '--json')) as unknown;
    expect(shapeOf(object)).toStrictEqual(JSON_SHAPES.get(action));
  }
  expect(await admin(dir, 'log-level', 'debug')).toBe('debug\n');
  await joinRaw(room, 'bob');
  await child.err.until(({ text }) => text.includes('"nick":"bob"'));

  const lines = readFileSync(join(dir, 'audit.log'), 'utf8').trim().split('\n');
  const actions = lines.map((line) => (JSON.parse(line) as { action: string }).action);
  expect(actions).toStrictEqual(['connections', 'connections', 'rooms', 'log-level', 'log-level']);
  child.signal('SIGTERM');
  expect(await child.exit).toBe(0);
  expect(existsSync(join(dir, 'admin.sock'))).toBe(false);
});

test('admin kicks, bans across a restart, and drains a relay', async () => {
  const dir = tempDir();
  const flags = ['--metrics', '0'];
  const { child, port } = await serve(dir, ...flags);
  const room = newRoom(port);
  const alice = rxchat(['listen', '--invite-file', '-', '--nick', 'alice'], { input: room.text });
  const bob = await joinRaw(room, 'bob');
  // In the members of WELCOME, or in an announcement.
  await bob.output.until(({ text }) => text.includes('alice'));
  expect(await admin(dir, 'kick', 'ALICE')).toBe('disconnected 1 connection\n');
  expect(await alice.exit).toBe(4);
  expect(alice.err.text).toMatch(
    /refused: the operator of the relay ended this connection \(access-denied\)\n.*ask its operator/,
  );
  const ban = JSON.parse(await admin(dir, 'ban', '::ffff:127.0.0.1', '--for', '1d', '--json')) as unknown;
  expect(ban).toMatchObject({ type: 'ban', target: '127.0.0.1', disconnected: 1 });
  await bob.output.until(({ text }) => text.includes('\nERR access-denied this address is banned'));
  child.signal('SIGKILL');
  await child.exit;

  const again = await serve(dir, ...flags);
  const banned = await connectRaw(again.port);
  await banned.output.until(
    ({ text }) => text === 'ERR access-denied this address is banned from this relay\n',
  );
  expect(await admin(dir, 'bans')).toMatch(/^TARGET.*\n127\.0\.0\.1 +\S+ \S+Z\n$/);
  await admin(dir, 'unban', '127.0.0.1');
  await joinRaw(newRoom(again.port), 'carol');
  const { room: name } = (JSON.parse(await admin(dir, 'rooms', '--json')) as { rows: { room: string }[] })
    .rows[0]!;
  expect(await admin(dir, 'ban', name)).toBe(
    `banned ${name} until it is removed; disconnected 1 connection\n`,
  );

  const [, url = ''] = /^metrics on (\S+)$/m.exec(again.child.out.text) ?? [];
  await admin(dir, 'drain', '--for', '1h');
  expect(await admin(dir, 'status')).toMatch(/^state +draining$/m);
  expect(await (await fetch(new URL('/readyz', url))).text()).toBe('the relay is draining\n');
  await admin(dir, 'drain');
  expect(await again.child.exit).toBe(0);
});

test('admin reloads the config, access tokens and bans of a relay, and nobody is dropped', async () => {
  const [dir, config] = [tempDir(), tempDir()];
  const [tokens, file] = [join(config, 'tokens'), join(config, 'rxchat', 'config.json')];
  mkdirSync(join(config, 'rxchat'));
  writeFileSync(file, '{}', { mode: 0o600 });
  const child = rxchat(['serve', '--port', '0', '--data', dir], { env: { XDG_CONFIG_HOME: config } });
  const [, port] = await child.out.until(({ text }) => /^listening on \S+:(\d+)\n/.exec(text));
  const room = newRoom(Number(port));
  const alice = await joinRaw(room, 'alice');
  const reload = async (settings: Readonly<Record<string, string>>) => {
    writeFileSync(file, JSON.stringify({ serve: settings }), { mode: 0o600 });
    return run(['admin', 'reload', '--data', dir]);
  };

  const wrong = await reload({ 'access-token-file': join(config, 'none') });
  expect([wrong.code, wrong.err]).toStrictEqual([
    4,
    expect.stringMatching(/cannot read --access-token-file/),
  ]);
  writeFileSync(tokens, 'correct horse battery staple\n', { mode: 0o600 });
  writeFileSync(join(dir, 'bans.json'), '{"version":1,"bans":[{"target":"192.0.2.1"}]}');
  const done = await reload({ 'access-token-file': tokens, 'log-level': 'info' });
  expect([done.code, done.out]).toStrictEqual([0, 'reloaded; log level info, bans: 1\n']);
  const stranger = await run(['send', '-m', 'hello', '--invite-file', '-'], { input: room.text });
  expect([stranger.code, stranger.err]).toStrictEqual([4, expect.stringMatching(/requires an access token/)]);
  alice.writeLines('PING 0');
  await alice.output.until(({ lines }) => lines.some((line) => line.startsWith('PONG ')));
});

test('admin reload gives open connections the new rates', async () => {
  const [dir, config] = [tempDir(), tempDir()];
  const file = join(config, 'rxchat', 'config.json');
  mkdirSync(join(config, 'rxchat'));
  const save = (lines: number) => {
    writeFileSync(file, JSON.stringify({ serve: { 'lines-per-second': lines } }), { mode: 0o600 });
  };
  save(1);
  const child = rxchat(['serve', '--port', '0', '--data', dir], { env: { XDG_CONFIG_HOME: config } });
  const [, port] = await child.out.until(({ text }) => /^listening on \S+:(\d+)\n/.exec(text));
  const alice = await joinRaw(newRoom(Number(port)), 'alice');
  const tokens = Array.from({ length: 4000 }, () => fakeToken());
  alice.writeLines(...tokens);
  await alice.output.until(() => entriesOf(alice).includes(tokens[0]!));
  save(0);
  await admin(dir, 'reload');
  // With the former rate, the last one would be read after an hour.
  await alice.output.until(() => entriesOf(alice).includes(tokens.at(-1)!));
});

test('admin deletes a room while members send; it is new afterwards, also after a restart', async () => {
  const dir = tempDir();
  const { child, port } = await serve(dir);
  const room = newRoom(port);
  const other = newRoom(port);
  const carol = await joinRaw(other, 'carol');
  carol.writeLines(seal(carol, 'hello'));
  const listener = rxchat(['listen', '--invite-file', '-', '--json'], { input: room.text });
  // It does not end by itself, since its input does not.
  const invite = join(tempDir(), 'room.txt');
  writeFileSync(invite, room.text, { mode: 0o600 });
  const sender = rxchat(['send', '--invite-file', invite, '--nick', 'bob']);
  let sent = 0;
  const feed = setInterval(() => {
    for (let n = 0; n < 50; n += 1) sender.writeInput(`line ${(sent += 1)}\n`);
  }, 5);
  try {
    await listener.out.until(({ text }) => text.includes('line 500'));
    const rows = JSON.parse(await admin(dir, 'rooms', '--json')) as {
      rows: { room: string; connections: number }[];
    };
    const name = rows.rows.find(({ connections }) => connections === 2)!.room;
    const deleted = JSON.parse(await admin(dir, 'delete-room', name, '--json')) as { entries: number };
    expect(shapeOf(deleted)).toStrictEqual(JSON_SHAPES.get('delete-room'));
    expect(deleted).toMatchObject({ target: name, disconnected: 2 });
    expect(deleted.entries).toBeGreaterThan(2);
    const refused = /the operator of the relay deleted this room \(room-not-allowed\)/;
    expect(await listener.exit).toBe(4);
    expect(listener.err.text).toMatch(refused);
    clearInterval(feed);
    sender.endInput();
    expect(await sender.exit).not.toBe(0);
    expect(sender.err.text).toMatch(refused);

    const again = await run(['admin', 'delete-room', name, '--data', dir]);
    expect([again.code, again.err]).toStrictEqual([
      4,
      expect.stringMatching(/^rxchat: the relay has no room with this name\n/),
    ]);
    const audit = readFileSync(join(dir, 'audit.log'), 'utf8').trim().split('\n').slice(-2);
    expect(audit.map((line) => JSON.parse(line) as unknown)).toStrictEqual([
      expect.objectContaining({ action: 'delete-room', target: name, ok: true }),
      expect.objectContaining({ action: 'delete-room', target: name, ok: false }),
    ]);
    const dave = await joinRaw(room, 'dave');
    const welcome = await dave.output.until(({ lines }) => lines.find((line) => line.startsWith('WELCOME ')));
    expect(welcome).toMatch(/ next=1 first=1 from=1 /);
  } finally {
    clearInterval(feed);
  }
  child.signal('SIGTERM');
  await child.exit;
  // The store passes the check of `serve`, and has the other room.
  expect((await run(['check', '--data', dir])).out).toMatch(/ 2 rooms, /);
});

test('a relay does not start with invalid bans', async () => {
  const dir = tempDir();
  writeFileSync(join(dir, 'bans.json'), '{');
  const ran = await run(['serve', '--port', '0', '--data', dir]);
  expect([ran.code, ran.out]).toStrictEqual([2, '']);
  expect(ran.err).toMatch(/^rxchat: the bans in .* are invalid: correct or remove the file$/m);
});

test('a relay in memory can be administered in a directory of its own', async () => {
  const dir = tempDir();
  await serve(dir, '--memory');
  expect(await admin(dir, 'status')).toMatch(/^store +memory$/m);
  const second = await run(['serve', '--port', '0', '--memory', '--data', dir]);
  expect([second.code, second.out]).toStrictEqual([2, '']);
  expect(second.err).toMatch(`another relay uses the admin socket in ${dir}`);
});

test.each<[string[], number, RegExp]>([
  [['status'], 3, /^rxchat: no running relay can be administered in .*\n.*--data/],
  [[], 2, /^rxchat: no action given\n.*status, connections/],
  [['statsu'], 2, /^rxchat: unknown action\n.*did you mean status/],
  [['status', 'all'], 2, /^rxchat: status takes no target/],
  [['ban'], 2, /^rxchat: ban needs an address, a network or the public name of a room/],
  [['delete-room'], 2, /^rxchat: delete-room needs the public name of a room/],
  [['kick', 'bob', '--for', '1d'], 2, /^rxchat: --for has no effect with kick/],
  [['drain', '--for', '30d'], 2, /^rxchat: --for needs a time from 0 ms to 1 d/],
  [['ban', '192.0.2.1', '--for', 'ever'], 2, /^rxchat: --for needs a time/],
  [['log-level', ''], 2, /^rxchat: TARGET is empty/],
])('admin %j exits with %i', async (args, code, expected) => {
  const ran = await run(['admin', ...args, '--data', tempDir()]);
  expect([ran.code, ran.out]).toStrictEqual([code, '']);
  expect(ran.err).toMatch(expected);
});
