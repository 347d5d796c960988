import { afterEach, expect, test } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import { stateFile } from '../../src/group/stateFile.js';
import { start, tempDir } from './support/child.js';
import { cleanUp } from './support/cleanup.js';

afterEach(cleanUp);

const MODULE = fileURLToPath(new URL('../../dist/src/group/stateFile.js', import.meta.url));
const STATE_BYTES = 30_000;
const KILLS = 8;

const options = (dir: string) => ({
  dir,
  group: 'A'.repeat(43),
  deviceKey: new Uint8Array(32).fill(2),
});

/** Saves numbered states without end, and prints the number of each once it is saved. */
const program = (dir: string, first: number) => `
  const { stateFile } = await import(${JSON.stringify(MODULE)});
  const states = stateFile({
    dir: ${JSON.stringify(dir)},
    group: 'A'.repeat(43),
    deviceKey: new Uint8Array(32).fill(2),
  });
  const { writeSync } = await import('node:fs');
  for (let n = ${first}; ; n += 1) {
    const state = new Uint8Array(${STATE_BYTES}).fill(n % 256);
    new DataView(state.buffer).setUint32(0, n);
    states.save(state);
    writeSync(1, n + '\\n');
  }`;

test('a process that is killed while it saves leaves a whole state, at least the last that it reported', async () => {
  const dir = tempDir();
  let reported = 0;
  for (let kill = 1; kill <= KILLS; kill += 1) {
    const child = start(process.execPath, ['--input-type=module', '-e', program(dir, reported + 1)]);
    // At another moment each time.
    await child.out.until(({ lines }) => lines.length >= kill * 3);
    child.signal('SIGKILL');
    await child.exit;
    const loaded = stateFile(options(dir)).load();
    if (loaded.kind !== 'loaded') throw new Error(`the state is ${loaded.kind}`);
    const number = new DataView(loaded.state.buffer, loaded.state.byteOffset).getUint32(0);
    reported = Math.max(...child.out.lines.map(Number));
    expect(number).toBeGreaterThanOrEqual(reported);
    expect(loaded.state).toHaveLength(STATE_BYTES);
    expect(loaded.state.subarray(4).every((byte) => byte === number % 256)).toBe(true);
    reported = number;
  }
});
