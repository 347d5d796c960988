import { afterEach, describe, expect, test } from '@jest/globals';
import { readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { type Child, tempDir } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { createGroup, Person, stopPersons } from './support/person.js';
import { newRoom, startRelay } from './support/relay.js';
import { runShared } from './support/runShared.js';
import { lineWith } from './support/streamOutput.js';

afterEach(async () => {
  stopPersons();
  await cleanUp();
});

const numbered = (name: string, count: number): string[] =>
  Array.from({ length: count }, (_, n) => `${name} ${n + 1}`);

const writeLines = (child: Child, lines: readonly string[]): void => {
  child.writeInput(`${lines.join('\n')}\n`);
};

interface Printed {
  readonly type: string;
  readonly text?: string;
  readonly reason?: string;
}

/** Returns the texts of the messages that a listener has printed, and what it has reported about the log. */
const printed = ({ out }: Child) => {
  const lines = out.lines.map((line) => JSON.parse(line) as Printed);
  return {
    texts: lines.filter(({ type }) => type === 'message').map(({ text }) => text),
    reports: lines
      .filter(({ type }) => ['log-changed', 'alarm', 'gap'].includes(type))
      .map(({ type, reason }) => reason ?? type),
  };
};

describe('rxchat restore', () => {
  test.each<[string, boolean, (port: number, alice: Person) => Promise<string>]>([
    ['key room', false, (port: number) => Promise.resolve(newRoom(port).text)],
    ['group room', true, (port: number, alice: Person) => createGroup(alice, { port })],
  ])(
    'a %s continues after 1000 messages are lost: nothing is printed twice or missing',
    async (_, isGroup, create) => {
      const [data, backup] = [join(tempDir(), 'data'), join(tempDir(), 'backup')];
      const relay = await startRelay('--data', data);
      const [alice, bob] = [new Person('alice'), new Person('bob')];
      const invite = await create(relay.port, alice);
      const cursor = join(bob.home, 'cursor');
      const listen = (...flags: string[]) =>
        bob.start('listen', [invite, '--json', '--cursor-file', cursor, ...flags]);
      const listener = listen('--events');
      await listener.out.until(lineWith('"type":"online"'));
      // Its listener is not running while the relay is restored.
      const carol = new Person('carol');
      const absent = (...flags: string[]) =>
        carol.start('listen', [invite, '--json', '--cursor-file', join(carol.home, 'cursor'), ...flags]);
      const before = absent('--events');
      await before.out.until(lineWith('"type":"online"'));
      const sender = alice.start('send', [invite, '--timeout', '0', '--quiet']);

      const [saved, lost, waiting] = [numbered('saved', 10), numbered('lost', 1000), numbered('waiting', 10)];
      writeLines(sender, saved);
      await listener.out.until(lineWith('saved 10'));
      expect((await runShared(['backup', backup, '--data', data])).code).toBe(0);
      writeLines(sender, lost);
      await listener.out.until(lineWith('lost 1000'));
      await before.out.until(lineWith('lost 1000'));
      before.signal('SIGTERM');
      await before.exit;

      relay.child.signal('SIGTERM');
      await relay.child.exit;
      await listener.out.until(lineWith('"type":"offline"'));
      writeLines(sender, waiting);
      sender.endInput();
      renameSync(data, `${data}.old`);
      const restored = await runShared(['restore', backup, '--data', data]);
      expect([restored.code, restored.err]).toStrictEqual([0, '']);
      expect(restored.out).toMatch(/^\S+data was restored: 1 room, \d+ entries, \d+ bytes\n$/);
      await relay.restart();

      expect(await sender.exit).toBe(0);
      await listener.out.until(lineWith('waiting 10'));
      const { texts, reports } = printed(listener);
      expect(texts).toStrictEqual([...saved, ...lost, ...waiting]);
      expect(reports).toStrictEqual(['log-changed']);

      listener.signal('SIGTERM');
      await listener.exit;
      expect((await alice.run('send', [invite, '-m', 'after'])).code).toBe(0);
      const again = listen('-n', '1');
      expect(await again.exit).toBe(0);
      expect(printed(again).texts).toStrictEqual(['after']);
      const back = absent('-n', '11');
      expect(await back.exit).toBe(0);
      expect(printed(back)).toStrictEqual({ texts: [...waiting, 'after'], reports: ['log-changed'] });
      if (isGroup) return;
      const dave = new Person('dave').start('listen', [invite, '--json', '--after', '0', '-n', '21']);
      expect(await dave.exit).toBe(0);
      expect(printed(dave)).toStrictEqual({ texts: [...saved, ...waiting, 'after'], reports: [] });
    },
  );

  test.each([
    ['without a backup', [], 'no directory of a backup given'],
    ['without a store in the backup', ['.'], 'there is no history in'],
  ])('%s exits 2 with one line', async (_, args, reason) => {
    const data = join(tempDir(), 'data');
    const { code, out, err } = await runShared(['restore', ...args, '--data', data]);
    expect([code, out]).toStrictEqual([2, '']);
    expect(err).toMatch(/^rxchat: [^\n]+\n(rxchat: hint: [^\n]+\n)?$/);
    expect(err).toContain(reason);
  });

  test('while a relay uses the directory exits 2 and says so', async () => {
    const [data, backup] = [join(tempDir(), 'data'), join(tempDir(), 'backup')];
    await startRelay('--data', data);
    expect((await runShared(['backup', backup, '--data', data])).code).toBe(0);
    const before = readdirSync(data);
    const { code, err } = await runShared(['restore', backup, '--data', data]);
    expect([code, err]).toStrictEqual([
      2,
      expect.stringMatching(/another relay uses .*\n.*hint: stop the other/),
    ]);
    expect(readdirSync(data)).toStrictEqual(before);
  });
});
