import { afterEach, describe, expect, test } from '@jest/globals';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newDir, run, rxchat } from './support/child.js';
import { endAll } from './support/endings.js';
import { newRoom, type Relay, type Room, startRelay } from './support/relay.js';
import { line } from './support/said.js';

afterEach(endAll);

/** A relay whose history is in a directory that can be put back to what it was. */
const restorable = async () => {
  const data = join(newDir(), 'data');
  const backup = join(newDir(), 'backup');
  let relay = await startRelay('--data', data);
  const room = newRoom(relay.port);
  const end = async () => {
    relay.child.signal('SIGTERM');
    await relay.child.exit;
  };
  return {
    room,
    say: async (...lines: string[]) => {
      const { code } = await run(['send', room.text, '--nick', 'alice'], { input: `${lines.join('\n')}\n` });
      expect(code).toBe(0);
    },
    keep: async () => {
      await end();
      cpSync(data, backup, { recursive: true });
      relay = await relay.restart();
    },
    restore: async (): Promise<Relay> => {
      await end();
      rmSync(data, { recursive: true });
      cpSync(backup, data, { recursive: true });
      return (relay = await relay.restart());
    },
  };
};

const listen = async (room: Room, cursor: string, n: number, ...more: string[]) => {
  const args = ['listen', room.text, '--json', '-n', String(n), '--cursor-file', cursor, ...more];
  const { code, out, err } = await run(args);
  expect(code).toBe(0);
  const heard = out
    .trim()
    .split('\n')
    .map((each) => JSON.parse(each) as { type: string; text?: string });
  return { err, types: heard.map(({ type }) => type), texts: heard.flatMap(({ text }) => text ?? []) };
};

const positionIn = (file: string): number =>
  (JSON.parse(readFileSync(file, 'utf8')) as { position: number }).position;

describe('a history that was put back from a backup', () => {
  test('is read again by who has read beyond it, also once the log has grown past the cursor', async () => {
    const { room, say, keep, restore } = await restorable();
    const cursor = join(newDir(), 'cursor');
    await say('monday');
    await keep();
    await say('tuesday');
    await say('lost');
    expect((await listen(room, cursor, 3, '--after', '0')).texts).toStrictEqual([
      'monday',
      'tuesday',
      'lost',
    ]);
    const before = positionIn(cursor);

    await restore();
    // Each run is announced too: three entries each.
    const later = Array.from({ length: 4 }, (_, n) => `wednesday ${n + 1}`);
    for (const each of later) await say(each);
    const { types, texts } = await listen(room, cursor, 5);
    expect(texts).toStrictEqual(['monday', ...later]);
    expect(types).toContain('log-changed');
    expect(positionIn(cursor)).toBeGreaterThan(before);
    // And from there on as ever.
    await say('thursday');
    expect((await listen(room, cursor, 1)).texts).toStrictEqual(['thursday']);
  });

  test('a cursor of an older version, without a hash, is still good', async () => {
    const { room, say } = await restorable();
    const cursor = join(newDir(), 'cursor');
    await say('one');
    await listen(room, cursor, 1, '--after', '0');
    const { hash, ...older } = JSON.parse(readFileSync(cursor, 'utf8')) as Record<string, unknown>;
    expect(hash).toMatch(/^[\w-]{11}$/);
    writeFileSync(cursor, JSON.stringify(older));
    await say('two');
    expect((await listen(room, cursor, 1)).texts).toStrictEqual(['two']);
  });

  test('who was there meanwhile is told, and hears what came into it before it was back', async () => {
    const { room, say, keep, restore } = await restorable();
    await say('monday');
    await keep();
    const listener = rxchat(['listen', room.text, '--nick', 'bob', '--json', '--after', '0']);
    await say('tuesday');
    await listener.out.until(line('tuesday'));
    await restore();
    for (const each of ['wednesday 1', 'wednesday 2', 'wednesday 3']) await say(each);
    await listener.out.until(line('wednesday 3'));
    const said = listener.out.lines.filter((each) => each.includes('"type":"message"'));
    for (const each of ['monday', 'tuesday', 'wednesday 1', 'wednesday 2', 'wednesday 3'])
      expect(said.filter((text) => text.includes(each))).toHaveLength(1);
    expect(listener.out.text).toContain('"log-changed"');
  });
});
