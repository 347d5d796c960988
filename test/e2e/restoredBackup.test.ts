import { afterEach, describe, expect, test } from '@jest/globals';
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir, rxchat } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { newRoom, type Relay, type Room, startRelay } from './support/relay.js';
import { runShared } from './support/runShared.js';
import { lineWith, type StreamOutput } from './support/streamOutput.js';

afterEach(cleanUp);

/**
 * A relay whose history directory can be restored to an earlier state: by a copy, as `cp -r` makes it; by the rollback of
 * its file system, which leaves no trace; or to what was on disk when the power failed.
 */
const restorable = async (by: 'copy' | 'rollback' | 'power failure') => {
  const data = join(tempDir(), 'data');
  const backup = join(tempDir(), 'backup');
  let relay = await startRelay('--data', data, '--durability', by === 'power failure' ? 'os' : 'disk');
  const room = newRoom(relay.port);
  const end = async () => {
    relay.child.signal(by === 'power failure' ? 'SIGKILL' : 'SIGTERM');
    await relay.child.exit;
  };
  return {
    room,
    send: async (...lines: string[]) => {
      const { code } = await runShared(['send', room.text, '--nick', 'alice'], {
        input: `${lines.join('\n')}\n`,
      });
      expect(code).toBe(0);
    },
    keep: async () => {
      if (by !== 'power failure') await end();
      cpSync(data, backup, { recursive: true, filter: (path) => !path.endsWith('.sock') });
      if (by !== 'power failure') relay = await relay.restart();
    },
    restore: async (): Promise<Relay> => {
      await end();
      if (by === 'copy') rmSync(data, { recursive: true });
      if (by === 'copy') cpSync(backup, data, { recursive: true });
      // The files stay the same ones.
      else
        for (const name of readdirSync(backup))
          writeFileSync(join(data, name), readFileSync(join(backup, name)));
      return (relay = await relay.restart());
    },
  };
};

const listen = async (room: Room, cursor: string, n: number, ...more: string[]) => {
  const args = ['listen', room.text, '--json', '-n', String(n), '--cursor-file', cursor, ...more];
  const { code, out, err } = await runShared(args);
  expect(code).toBe(0);
  const received = out
    .trim()
    .split('\n')
    .map((each) => JSON.parse(each) as { type: string; text?: string });
  return { err, types: received.map(({ type }) => type), texts: received.flatMap(({ text }) => text ?? []) };
};

const positionIn = (file: string): number =>
  (JSON.parse(readFileSync(file, 'utf8')) as { position: number }).position;

describe('a history restored', () => {
  test.each([
    ['copy', []],
    ['rollback', ['monday']],
    ['power failure', ['monday']],
  ] as const)(
    'by a %s is read by a reader that had read more, even when the log has grown past the cursor',
    async (by, repeated) => {
      const { room, send: sendLines, keep, restore } = await restorable(by);
      const cursor = join(tempDir(), 'cursor');
      await sendLines('monday');
      await keep();
      await sendLines('tuesday');
      await sendLines('lost');
      expect((await listen(room, cursor, 3, '--after', '0')).texts).toStrictEqual([
        'monday',
        'tuesday',
        'lost',
      ]);
      const before = positionIn(cursor);

      const { child } = await restore();
      const copyNotice = 'the store is a copy of another one: its rooms continue under new log ids';
      if (by === 'copy') await child.err.until(lineWith(copyNotice));
      else expect(child.err.text).not.toContain(copyNotice);
      // Each run is announced too: three entries each.
      const next = Array.from({ length: 4 }, (_, n) => `wednesday ${n + 1}`);
      for (const each of next) await sendLines(each);
      const { types, texts } = await listen(room, cursor, repeated.length + 4);
      expect(texts).toStrictEqual([...repeated, ...next]);
      expect(types).toContain('log-changed');
      expect(positionIn(cursor)).toBeGreaterThan(before);
      // From there on the log continues as usual.
      await sendLines('thursday');
      expect((await listen(room, cursor, 1)).texts).toStrictEqual(['thursday']);
    },
  );

  test('is read again by a reader whose last entry is an announcement that recurs at the same position', async () => {
    const { room, send: sendLines, keep, restore } = await restorable('rollback');
    const cursor = join(tempDir(), 'cursor');
    const listener = async (nick: string, ...more: string[]) => {
      const child = rxchat(['listen', room.text, '--nick', nick, '--json', '--events', ...more]);
      await child.out.until(lineWith('"type":"online"'));
      const leaving = ({ lines }: StreamOutput) => lines.filter((each) => each.includes('"type":"left"'));
      return { child, left: (n: number) => child.out.until((output) => leaving(output)[n - 1]) };
    };
    await sendLines('monday');
    await keep();
    const listening = await listener('ear', '--after', '3', '--cursor-file', cursor);
    await sendLines('tuesday');
    const before = JSON.parse(await listening.left(1)) as object;
    listening.child.signal('SIGTERM');
    await listening.child.exit;
    expect(before).toMatchObject({ position: positionIn(cursor), nicks: ['alice'] });

    await restore();
    const other = await listener('other');
    await sendLines('wednesday');
    expect(JSON.parse(await other.left(1))).toMatchObject(before);
    await sendLines('thursday');
    await other.left(2);
    const { types, texts } = await listen(room, cursor, 3);
    expect(types).toContain('log-changed');
    expect(texts).toStrictEqual(['monday', 'wednesday', 'thursday']);
  });

  test('accepts a cursor of an older version without a hash', async () => {
    const { room, send: sendLines } = await restorable('rollback');
    const cursor = join(tempDir(), 'cursor');
    await sendLines('one');
    await listen(room, cursor, 1, '--after', '0');
    const { hash, ...older } = JSON.parse(readFileSync(cursor, 'utf8')) as Record<string, unknown>;
    expect(hash).toMatch(/^[\w-]{11}$/);
    writeFileSync(cursor, JSON.stringify(older));
    await sendLines('two');
    expect((await listen(room, cursor, 1)).texts).toStrictEqual(['two']);
  });

  test.each(['copy', 'rollback'] as const)(
    'by a %s is reported to connected members, who read what was added before',
    async (by) => {
      const { room, send: sendLines, keep, restore } = await restorable(by);
      await sendLines('monday');
      await keep();
      const listener = rxchat(['listen', room.text, '--nick', 'bob', '--json', '--after', '0']);
      await sendLines('tuesday');
      await listener.out.until(lineWith('tuesday'));
      await restore();
      for (const each of ['wednesday 1', 'wednesday 2', 'wednesday 3']) await sendLines(each);
      await listener.out.until(lineWith('wednesday 3'));
      const sent = listener.out.lines.filter((each) => each.includes('"type":"message"'));
      for (const each of ['monday', 'tuesday', 'wednesday 1', 'wednesday 2', 'wednesday 3'])
        expect(sent.filter((text) => text.includes(each))).toHaveLength(1);
      expect(listener.out.text).toContain('"log-changed"');
    },
  );
});
