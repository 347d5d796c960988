/**
 * Measures the cost of stored rooms that nobody uses: the size of the file, the start time and the memory of a relay.
 * Prints Markdown. `bench:memory` measures rooms in memory.
 *
 *   npm run bench:rooms -- [--rooms N,N]
 */
import { Buffer } from 'node:buffer';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { clearInterval, setInterval } from 'node:timers';
import { setImmediate as turn } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { lmdbHistory } from '../dist/src/history/index.js';

const { values } = parseArgs({ options: { rooms: { type: 'string', default: '10000,200000' } } });
const counts = values.rooms.split(',').map(Number);
if (!counts.every((n) => n >= 1)) throw new Error('--rooms counts from 1');

const MIB = 2 ** 20;
const RXCHAT = resolve(import.meta.dirname, '../dist/bin/rxchat.js');
const ROOMS_PER_TICK = 500;
/** Returns a sealed message of a line, and the announcements of its sender's join and leave. */
const LINES = [
  Buffer.from('+alice\n'),
  Buffer.from(`gAAAAA${'AbC-_9'.repeat(70)}==\n`),
  Buffer.from('-alice\n'),
];

const mib = (bytes) => `${(bytes / MIB).toFixed(0)} MiB`;
const residentOf = (pid, field = 'VmRSS') =>
  1024 * Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);

/** Fills a store with rooms of one message each. */
const fill = (dir, rooms) =>
  new Promise((done, fail) => {
    const storage = lmdbHistory({ dir, durability: 'os' }).subscribe({
      error: fail,
      next: async (history) => {
        for (let n = 0; n < rooms; n += ROOMS_PER_TICK) {
          for (let each = n; each < Math.min(rooms, n + ROOMS_PER_TICK); each += 1)
            history
              .open(randomBytes(32).toString('base64url'), () => randomBytes(9).toString('base64url'))
              .append({ first: 1, count: LINES.length, slices: LINES })
              .subscribe({ error: fail });
          await turn();
          await turn();
        }
        storage.unsubscribe();
        done();
      },
    });
  });

/** Calls `use` with the start time in ms, while a relay serves. */
const serving = async (dir, use) => {
  const began = performance.now();
  const relay = spawn(
    process.execPath,
    [RXCHAT, 'serve', '--port', '0', '--data', dir, '--keep-total', String(2 ** 40)],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const end = once(relay, 'exit');
  try {
    await once(createInterface(relay.stdout), 'line');
    const ms = performance.now() - began;
    return await use({ pid: relay.pid, ms });
  } finally {
    relay.kill('SIGTERM');
    await end;
  }
};

// An open history does not keep the process alive.
const alive = setInterval(() => undefined, 60_000);
const dir = mkdtempSync(join(tmpdir(), 'rxchat-rooms-'));
try {
  console.log('| Stored rooms | File | A room | Start | Memory at the start | the most |');
  console.log('| -----------: | ---: | -----: | ----: | ------------------: | -------: |');
  for (const rooms of [0, ...counts]) {
    const data = join(dir, `${rooms}`);
    await fill(data, rooms);
    const { blocks } = statSync(join(data, 'rooms.mdb'));
    await serving(data, async ({ pid, ms }) => {
      const row = [
        ...[rooms, mib(blocks * 512), rooms === 0 ? '' : `${Math.round((blocks * 512) / rooms)} B`],
        ...[`${(ms / 1000).toFixed(2)} s`, mib(residentOf(pid)), mib(residentOf(pid, 'VmHWM'))],
      ];
      console.log(`| ${row.join(' | ')} |`);
    });
    rmSync(data, { recursive: true });
  }
} finally {
  clearInterval(alive);
  rmSync(dir, { recursive: true, force: true });
}
