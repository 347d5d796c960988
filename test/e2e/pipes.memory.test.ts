import { afterEach, expect, test } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bytesRead, newDir, residentMemory, run, rxchat } from './support/child.js';
import { endAll } from './support/endings.js';
import { newRoom, startNearRelay } from './support/relay.js';
import { count } from './support/said.js';

afterEach(endAll);

const LINES = 300_000;
const MiB = 1024 * 1024;
const HUNG = 300_000;

/** A heap that holds a part of what is said, and a reader that takes nothing until a file is there. */
const heldBack = (gate: string): readonly string[] => [
  'bash',
  '-c',
  `exec "$0" --max-old-space-size=48 "$@" > >(until test -e ${gate}; do sleep 0.05; done; head -n ${LINES} | wc -l)`,
];

test.each([
  ['listen --json', ['listen', '--json', '--after', '0', '-n', String(LINES)]],
  ['listen', ['listen', '--after', '0', '-n', String(LINES)]],
  ['join in a pipe', ['join', '--last', String(LINES)]],
])(
  '%s waits for a reader that takes its time, and holds next to nothing',
  async (_, [command = '', ...flags]) => {
    const relay = await startNearRelay();
    const room = newRoom(relay.port).text;
    const input = Array.from({ length: LINES }, (__, i) => `${i + 1}\n`).join('');
    expect((await run(['send', room], { input })).code).toBe(0);
    const gate = join(newDir(), 'gate');
    const ear = rxchat([command, room, '--nick', 'ear', ...flags], { by: heldBack(gate) });
    await relay.joined('ear');
    // Somebody whom nothing holds has read it all meanwhile.
    expect((await run(['listen', room, '--after', '0', '-n', String(LINES)])).code).toBe(0);
    expect(residentMemory(ear.pid)).toBeLessThan(150 * MiB);
    writeFileSync(gate, '');
    await ear.out.until(count(1));
    expect(Number(ear.out.text)).toBe(LINES);
    expect(await ear.exit).toBe(0);
  },
  HUNG,
);

test(
  'send --json and --tee hold their input back while nobody reads what they print',
  async () => {
    const relay = await startNearRelay();
    for (const flag of ['--json', '--tee']) {
      const room = newRoom(relay.port).text;
      const gate = join(newDir(), 'gate');
      const send = rxchat(['send', room, flag, '--nick', `sender${flag}`], {
        by: [
          'bash',
          '-c',
          `exec "$0" --max-old-space-size=48 "$@" < <(seq 2000000) > >(until test -e ${gate}; do sleep 0.05; done; wc -l)`,
        ],
      });
      const heard = await run(['listen', room, '--after', '0', '-n', '5000']);
      expect(heard.code).toBe(0);
      // Of 15 MB, and what it takes to start.
      expect(bytesRead(send.pid)).toBeLessThan(8 * MiB);
      writeFileSync(gate, '');
      await send.out.until(count(1));
      expect(Number(send.out.text)).toBe(2_000_000);
      expect(await send.exit).toBe(0);
    }
  },
  HUNG,
);
