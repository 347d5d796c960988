import { afterEach, expect, test } from '@jest/globals';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { JSON_SHAPES, shapeOf } from '../support/jsonShapes.js';
import { run, rxchat, tempDir } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { connectRaw, joinRaw } from './support/rawClient.js';
import { newRoom } from './support/relay.js';

afterEach(cleanUp);

const serve = async (dir: string, ...flags: readonly string[]) => {
  const child = rxchat(['serve', '--port', '0', '--data', dir, ...flags]);
  const [, port] = await child.out.until(({ text }) => /^listening on \S+:(\d+)\n/.exec(text));
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
  [['log-level', 'loud'], 2, /^rxchat: the log level is one of /],
  [['status', 'all'], 2, /^rxchat: status takes no argument/],
  [['log-level', ''], 2, /^rxchat: TARGET is empty/],
])('admin %j exits with %i', async (args, code, expected) => {
  const ran = await run(['admin', ...args, '--data', tempDir()]);
  expect([ran.code, ran.out]).toStrictEqual([code, '']);
  expect(ran.err).toMatch(expected);
});
