import { afterEach, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { tempDir } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { startWrappedRelay } from './support/faults/restartableRelay.js';
import { fakeToken, joinRaw } from './support/rawClient.js';
import { newRoom } from './support/relay.js';
import { lineWith } from './support/streamOutput.js';

afterEach(cleanUp);

/** Traces the first thread of the process, which stores and writes. */
const strace = (to: string) => [
  ...['strace', '-D', '-q', '-s', '8', '-o', to],
  ...['-e', 'trace=msync,write,writev', '-e', 'signal=none'],
];

const traces = await promisify(execFile)('strace', ['-D', '-o', join(tempDir(), 'trace'), 'true']).then(
  () => true,
  () => false,
);
if (!traces)
  console.warn('SKIPPED: what a relay does before an echo, where strace is missing or not allowed');

/** The actions of a relay in order: syncs of entries, syncs of store heads, tokens delivered. */
const actionsIn = (trace: string): readonly ('sync' | 'head' | 'echo')[] => {
  const lines = trace.split('\n');
  const flushed = (each: string) => Number(/^msync\(\w+, (\d+), MS_SYNC\) += 0$/.exec(each)?.[1] ?? 0);
  /** lmdb flushes all used pages of its file, and then the page with the head. */
  const head = Math.min(...lines.map(flushed).filter((bytes) => bytes > 0));
  return lines.flatMap((each) => {
    if (flushed(each) > 0) return [flushed(each) === head ? 'head' : 'sync'];
    return /^writev?\(\d+, .*"gAAAA/.test(each) ? ['echo'] : [];
  });
};

const LINES = 3;

/** The actions of a relay while lines are sent, each after the receipt of the one before. */
const actionsOf = async (...flags: readonly string[]) => {
  const to = join(tempDir(), 'trace');
  const relay = await startWrappedRelay(() => strace(to), flags);
  const peer = await joinRaw(newRoom(relay.port), 'alice');
  const [, durability] = await peer.output.until(({ lines }) =>
    /^WELCOME .* durability=(\w+)/m.exec(lines.join('\n')),
  );
  await peer.output.until(lineWith('+alice'));
  for (let n = 1; n <= LINES; n += 1) {
    peer.writeLines(fakeToken());
    await peer.output.until(({ lines }) => lines.filter((each) => each.startsWith('gAAAA')).length === n);
  }
  await relay.stop();
  // The tracer is another process, and may lag a little.
  let trace = '';
  while (!trace.includes('+++ exited')) {
    trace = readFileSync(to, 'utf8');
    await new Promise(setImmediate);
  }
  return { durability, actions: actionsIn(trace) };
};

(traces ? test : test.skip)('an echo follows once its line is on disk by default', async () => {
  const { durability, actions } = await actionsOf();
  expect(durability).toBe('disk');
  const before = actions.join(' ').split(' echo');
  expect(before).toHaveLength(LINES + 1);
  for (const each of before.slice(0, LINES)) expect(each).toMatch(/ sync head$/);
});

(traces ? test : test.skip)(
  'an echo precedes that with --durability os, which never waits for the disk',
  async () => {
    const { durability, actions } = await actionsOf('--durability', 'os');
    expect(durability).toBe('os');
    expect(actions).toStrictEqual(Array(LINES).fill('echo'));
  },
);
