/**
 * Measures how large the file of a store becomes while far more than --keep-total is written to it as fast as the disk takes it.
 * Prints Markdown.
 *
 *   npm run bench:disk -- [--keep-total MIB] [--times N]
 */
import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { lastValueFrom, merge } from 'rxjs';
import { lmdbHistory } from '../dist/src/history/index.js';

const { values } = parseArgs({
  options: {
    'keep-total': { type: 'string', default: '128' },
    times: { type: 'string', default: '8' },
  },
});
const MIB = 2 ** 20;
const TOTAL_BYTES = Number(values['keep-total']) * MIB;
const WRITTEN_BYTES = Number(values.times) * TOTAL_BYTES;
const ROOMS = 200;

const sizeOf = (dir) => statSync(join(dir, 'rooms.mdb')).blocks * 512;

/** Writes messages of this length to rooms in turn; resolves with the largest size of the file. */
const fill = (dir, lineBytes) =>
  new Promise((resolve, reject) => {
    let usage = { bytes: 0 };
    const options = {
      dir,
      durability: 'os',
      retention: { maxTotalBytes: TOTAL_BYTES },
      onUsage: (measured) => (usage = measured.bytes > usage.bytes ? measured : usage),
    };
    const subscription = lmdbHistory(options).subscribe({
      error: reject,
      next: async (history) => {
        const line = Buffer.from(`${'A'.repeat(lineBytes - 1)}\n`);
        const logs = Array.from({ length: ROOMS }, () =>
          history.open(randomBytes(32).toString('base64url'), () => randomBytes(9).toString('base64url')),
        );
        let largest = 0;
        for (let written = 0; written < WRITTEN_BYTES; written += ROOMS * line.length) {
          const batches = logs.map((log) => log.append({ first: log.next, count: 1, slices: [line] }));
          await lastValueFrom(merge(...batches), { defaultValue: undefined });
          largest = Math.max(largest, sizeOf(dir));
        }
        subscription.unsubscribe();
        resolve({ largest: Math.max(largest, sizeOf(dir)), usage: usage.bytes });
      },
    });
  });

const mib = (bytes) => `${Math.round(bytes / MIB)} MiB`;
console.log('| Length of a message | Written | --keep-total | Largest total of a sweep | Largest file |');
console.log('| ------------------: | ------: | -----------: | -----------------------: | -----------: |');
for (const lineBytes of [500, 16_384, 65_000]) {
  const dir = mkdtempSync(join(tmpdir(), 'rxchat-disk-'));
  try {
    const { largest, usage } = await fill(dir, lineBytes);
    console.log(
      `| ${lineBytes} B | ${mib(WRITTEN_BYTES)} | ${mib(TOTAL_BYTES)} | ${mib(usage)} | ${mib(largest)} |`,
    );
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
