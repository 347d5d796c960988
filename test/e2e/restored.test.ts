import { afterEach, describe, expect, test } from '@jest/globals';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newDir, run, rxchat } from './support/child.js';
import { endAll } from './support/endings.js';
import { newRoom, type Relay, type Room, startRelay } from './support/relay.js';
import { line, type Said } from './support/said.js';

afterEach(endAll);

/**
 * A relay whose history is in a directory that can be put back to what it was: from a backup, or to what a disk had when
 * the power failed.
 */
const restorable = async (by: 'backup' | 'power failure' = 'backup') => {
  const data = join(newDir(), 'data');
  const backup = join(newDir(), 'backup');
  let relay = await startRelay('--data', data, '--durability', by === 'backup' ? 'disk' : 'os');
  const room = newRoom(relay.port);
  const end = async () => {
    relay.child.signal(by === 'backup' ? 'SIGTERM' : 'SIGKILL');
    await relay.child.exit;
  };
  return {
    room,
    say: async (...lines: string[]) => {
      const { code } = await run(['send', room.text, '--nick', 'alice'], { input: `${lines.join('\n')}\n` });
      expect(code).toBe(0);
    },
    keep: async () => {
      if (by === 'backup') await end();
      cpSync(data, backup, { recursive: true, filter: (path) => !path.endsWith('.sock') });
      if (by === 'backup') relay = await relay.restart();
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

describe('a history that was put back', () => {
  test.each(['backup', 'power failure'] as const)(
    'by a %s is read again by who has read beyond it, also once the log has grown past the cursor',
    async (by) => {
      const { room, say, keep, restore } = await restorable(by);
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
    },
  );

  test('is read again by who has read an announcement last that is at the same position again', async () => {
    const { room, say, keep, restore } = await restorable();
    const cursor = join(newDir(), 'cursor');
    const listener = async (nick: string, ...more: string[]) => {
      const child = rxchat(['listen', room.text, '--nick', nick, '--json', '--events', ...more]);
      await child.out.until(line('"type":"online"'));
      const leaving = ({ lines }: Said) => lines.filter((each) => each.includes('"type":"left"'));
      return { child, left: (n: number) => child.out.until((said) => leaving(said)[n - 1]) };
    };
    await say('monday');
    await keep();
    const ear = await listener('ear', '--after', '3', '--cursor-file', cursor);
    await say('tuesday');
    const before = JSON.parse(await ear.left(1)) as object;
    ear.child.signal('SIGTERM');
    await ear.child.exit;
    expect(before).toMatchObject({ position: positionIn(cursor), nicks: ['alice'] });

    await restore();
    const other = await listener('other');
    await say('wednesday');
    expect(JSON.parse(await other.left(1))).toMatchObject(before);
    await say('thursday');
    await other.left(2);
    const { types, texts } = await listen(room, cursor, 3);
    expect(types).toContain('log-changed');
    expect(texts).toStrictEqual(['monday', 'wednesday', 'thursday']);
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
