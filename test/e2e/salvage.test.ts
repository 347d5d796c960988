import { afterEach, expect, test } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { JSON_SHAPES, shapeOf } from '../support/jsonShapes.js';
import { run, tempDir } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { newRoom, startRelay, viaPort } from './support/relay.js';

afterEach(cleanUp);

/** Changes a token of a stored message wherever the file has it, and returns how often. */
const damageToken = (dir: string, token: string): number => {
  const path = join(dir, 'rooms.mdb');
  const bytes = readFileSync(path);
  let count = 0;
  for (let at = bytes.indexOf(token); at >= 0; at = bytes.indexOf(token, at + 1), count += 1)
    bytes[at + 20]! ^= 1;
  writeFileSync(path, bytes);
  return count;
};

test('check --salvage saves a damaged store: the rest keeps its positions, and serve starts with it', async () => {
  const [dir, target, again] = [tempDir(), join(tempDir(), 'saved'), join(tempDir(), 'again')];
  const relay = await startRelay('--data', dir);
  const [room, other] = [newRoom(relay.port), newRoom(relay.port)];
  const send = async (text: string, { text: invite }: typeof room) =>
    expect((await run(['send', '-m', text, '--invite-file', '-'], { input: invite })).code).toBe(0);
  for (const text of ['one', 'two', 'three']) await send(text, room);
  await send('other', other);
  relay.child.signal('SIGTERM');
  await relay.child.exit;
  const tokens = readFileSync(join(dir, 'rooms.mdb'), 'latin1').match(/gAAAA[\w-]{80}/g) ?? [];
  expect(damageToken(dir, tokens[0] ?? '')).toBeGreaterThan(0);

  const refused = await run(['serve', '--port', '0', '--data', dir]);
  expect([refused.code, refused.err]).toStrictEqual([
    1,
    expect.stringMatching(/is damaged.*\n.*check --salvage DIR/),
  ]);
  const saved = await run(['check', '--data', dir, '--salvage', target]);
  expect([saved.code, saved.err]).toStrictEqual([7, '']);
  expect(saved.out).toMatch(/^room [\w-]{43}: saved \d+ entries; lost \d+/m);
  expect(saved.out).toMatch(
    /saved has what could be read of .*: 2 rooms, \d+ entries; .* lost, and more may be\n$/,
  );
  const json = await run(['check', '--data', target, '--salvage', again, '--json']);
  expect(json.code).toBe(7);
  const objects = json.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { type: string });
  for (const object of objects.filter(({ type }) => type === 'salvaged'))
    expect(shapeOf(object)).toStrictEqual(JSON_SHAPES.get('salvaged'));
  expect(objects.map(({ type }) => type)).toStrictEqual(['salvaged-room', 'salvaged-room', 'salvaged']);

  const restarted = await startRelay('--data', target);
  const texts: string[] = [];
  for (const each of [room, other]) {
    const listened = await run(['listen', '--after', '0', '--until-now', '--json', '--invite-file', '-'], {
      input: viaPort(restarted.port, each).text,
    });
    expect(listened.code).toBe(0);
    const events = listened.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; text?: string });
    texts.push(
      ...events.flatMap(({ type, text }) =>
        type === 'message' ? [text ?? ''] : type === 'gap' ? ['gap'] : [],
      ),
    );
  }
  expect(texts.filter((text) => text === 'gap')).toHaveLength(1);
  expect(texts).toHaveLength(4);
});

test.each<[string[], RegExp]>([
  [['--salvage', 'x', '--store', 'nats://127.0.0.1:1'], /--salvage has no effect with --store/],
  [['--salvage', 'x'], /cannot read .*no such file/],
])('check %j exits with 2', async (args, expected) => {
  const ran = await run([
    'check',
    ...args,
    ...(args.length === 2 ? ['--data', join(tempDir(), 'none')] : []),
  ]);
  expect([ran.code, ran.out]).toStrictEqual([2, '']);
  expect(ran.err).toMatch(expected);
});
