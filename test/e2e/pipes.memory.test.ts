import { afterEach, expect, test } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bytesRead, tempDir, residentMemory, run, rxchat } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { newRoom, startRelayWithoutProxy } from './support/relay.js';
import { lineCount } from './support/streamOutput.js';

afterEach(cleanUp);

const LINES = 300_000;
const MiB = 1024 * 1024;
const HUNG = 600_000;

/** A heap smaller than the messages sent, and a reader that reads nothing until a file exists. */
const pendingBack = (barrier: string): readonly string[] => [
  'bash',
  '-c',
  `exec "$0" --max-old-space-size=48 "$@" > >(until test -e ${barrier}; do sleep 0.05; done; head -n ${LINES} | wc -l)`,
];

test.each([
  ['listen --json', ['listen', '--json', '--after', '0', '-n', String(LINES)]],
  ['listen', ['listen', '--after', '0', '-n', String(LINES)]],
  ['join in a pipe', ['join', '--last', String(LINES)]],
])(
  '%s waits for a slow reader with little memory',
  async (_, [command = '', ...flags]) => {
    const relay = await startRelayWithoutProxy();
    const room = newRoom(relay.port).text;
    const input = Array.from({ length: LINES }, (__, i) => `${i + 1}\n`).join('');
    expect((await run(['send', room], { input })).code).toBe(0);
    const barrier = join(tempDir(), 'gate');
    const listener = rxchat([command, room, '--nick', 'ear', ...flags], { wrapper: pendingBack(barrier) });
    await relay.joined('ear');
    // An unblocked listener has read everything meanwhile.
    expect((await run(['listen', room, '--after', '0', '-n', String(LINES)])).code).toBe(0);
    expect(residentMemory(listener.pid)).toBeLessThan(150 * MiB);
    writeFileSync(barrier, '');
    await listener.out.until(lineCount(1));
    expect(Number(listener.out.text)).toBe(LINES);
    expect(await listener.exit).toBe(0);
  },
  HUNG,
);

test(
  'send --json and --tee pause their input while nobody reads their output',
  async () => {
    const relay = await startRelayWithoutProxy();
    for (const flag of ['--json', '--tee']) {
      const room = newRoom(relay.port).text;
      const barrier = join(tempDir(), 'gate');
      const send = rxchat(['send', room, flag, '--nick', `sender${flag}`], {
        wrapper: [
          'bash',
          '-c',
          `exec "$0" --max-old-space-size=48 "$@" < <(seq 2000000) > >(until test -e ${barrier}; do sleep 0.05; done; wc -l)`,
        ],
      });
      const received = await run(['listen', room, '--after', '0', '-n', '5000']);
      expect(received.code).toBe(0);
      // Of 15 MB, and what is buffered at the start.
      expect(bytesRead(send.pid)).toBeLessThan(8 * MiB);
      writeFileSync(barrier, '');
      expect(await send.exit).toBe(0);
      await send.out.until(lineCount(1));
      expect(Number(send.out.text)).toBe(2_000_000);
    }
  },
  HUNG,
);
