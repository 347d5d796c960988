/**
 * Writes the store of this version that tests of later versions open, compressed: `node scripts/storeFixture.mjs FILE`
 * after a build, once per version of the format. It has the byte order of the machine and the page size of its system:
 * use a machine with little-endian 64-bit words and pages of 4 KiB, as most have.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Buffer } from 'node:buffer';
import process from 'node:process';
import { gzipSync } from 'node:zlib';
import { firstValueFrom, ignoreElements, endWith } from 'rxjs';
import { lmdbHistory } from '../dist/src/history/index.js';

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('give the file to write');

const TIME_MS = Date.UTC(2026, 11, 1);
const dir = mkdtempSync(join(tmpdir(), 'rxchat-'));
try {
  await new Promise((resolve, reject) => {
    const store = lmdbHistory({
      dir,
      retention: { maxAgeMs: 86_400_000, maxEntries: 4 },
      now: () => TIME_MS,
      sweepIntervalMs: 1,
    }).subscribe({
      next: (history) => {
        const fill = async () => {
          for (const room of ['lobby', 'large', 'quiet']) {
            const log = history.open(room, () => `${room}-id`);
            for (const line of room === 'quiet'
              ? ['hello']
              : ['one', 'two', 'three', 'four', 'five', 'six']) {
              const text = room === 'large' ? `${line} `.repeat(5000) : line;
              const slices = [Buffer.from(`${text}\n`)];
              const stored$ = log.append({ first: log.next, count: 1, slices });
              await firstValueFrom(stored$.pipe(ignoreElements(), endWith(true)));
            }
          }
        };
        fill().then(() => {
          store.unsubscribe();
          resolve();
        }, reject);
      },
      error: reject,
    });
  });
  writeFileSync(file, gzipSync(readFileSync(join(dir, 'rooms.mdb')), { level: 9 }));
} finally {
  rmSync(dir, { recursive: true });
}
