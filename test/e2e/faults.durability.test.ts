import { afterEach, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { newDir } from './support/child.js';
import { endAll } from './support/endings.js';
import { relayStartedBy } from './support/faults/lastingRelay.js';
import { fakeToken, joinPeer } from './support/peer.js';
import { newRoom } from './support/relay.js';
import { line } from './support/said.js';

afterEach(endAll);

/** Traces the first thread of what it becomes, which is the one that stores and writes. */
const strace = (to: string) => [
  ...['strace', '-D', '-q', '-s', '8', '-o', to],
  ...['-e', 'trace=msync,write,writev', '-e', 'signal=none'],
];

const traces = await promisify(execFile)('strace', ['-D', '-o', join(newDir(), 'trace'), 'true']).then(
  () => true,
  () => false,
);
if (!traces)
  console.warn('SKIPPED: what a relay does before an echo, where strace is missing or not allowed');

/** What a relay did, in order: waits for entries to be on the disk, for heads of the store, tokens given to somebody. */
const deedsIn = (trace: string): readonly ('sync' | 'head' | 'echo')[] => {
  const lines = trace.split('\n');
  const flushed = (each: string) => Number(/^msync\(\w+, (\d+), MS_SYNC\) += 0$/.exec(each)?.[1] ?? 0);
  /** lmdb flushes all that is in use of its file, and then the page that is the head. */
  const head = Math.min(...lines.map(flushed).filter((bytes) => bytes > 0));
  return lines.flatMap((each) => {
    if (flushed(each) > 0) return [flushed(each) === head ? 'head' : 'sync'];
    return /^writev?\(\d+, .*"gAAAA/.test(each) ? ['echo'] : [];
  });
};

const LINES = 3;

/** What a relay does while lines are said, each once the one before it has its receipt. */
const deedsOf = async (...flags: readonly string[]) => {
  const to = join(newDir(), 'trace');
  const relay = await relayStartedBy(() => strace(to), flags);
  const peer = await joinPeer(newRoom(relay.port), 'alice');
  const [, durability] = await peer.heard.until(({ lines }) =>
    /^WELCOME .* durability=(\w+)/m.exec(lines.join('\n')),
  );
  await peer.heard.until(line('+alice'));
  for (let n = 1; n <= LINES; n += 1) {
    peer.say(fakeToken());
    await peer.heard.until(({ lines }) => lines.filter((each) => each.startsWith('gAAAA')).length === n);
  }
  await relay.stop();
  // The tracer is another process, and may be a little behind.
  let trace = '';
  while (!trace.includes('+++ exited')) {
    trace = readFileSync(to, 'utf8');
    await new Promise(setImmediate);
  }
  return { durability, deeds: deedsIn(trace) };
};

(traces ? test : test.skip)(
  'an echo comes once its line is on the disk, where nothing else is said',
  async () => {
    const { durability, deeds } = await deedsOf();
    expect(durability).toBe('disk');
    const before = deeds.join(' ').split(' echo');
    expect(before).toHaveLength(LINES + 1);
    for (const each of before.slice(0, LINES)) expect(each).toMatch(/ sync head$/);
  },
);

(traces ? test : test.skip)(
  'and before that with --durability os, which never waits for the disk',
  async () => {
    const { durability, deeds } = await deedsOf('--durability', 'os');
    expect(durability).toBe('os');
    expect(deeds).toStrictEqual(Array(LINES).fill('echo'));
  },
);
