/**
 * Writes the store of this version that tests of later versions open, compressed: `node scripts/storeFixture.mjs FILE`
 * after a build, once per version of the format. The store was restored from a backup after two thirds of its entries, so
 * that its logs have ancestors. It has the byte order of the machine and the page size of its system:
 * use a machine with little-endian 64-bit words and pages of 4 KiB, as most have.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Buffer } from 'node:buffer';
import process from 'node:process';
import { gzipSync } from 'node:zlib';
import { firstValueFrom, ignoreElements, endWith } from 'rxjs';
import { backupHistory, lmdbHistory, restoreHistory } from '../dist/src/history/index.js';

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('give the file to write');

const TIME_MS = Date.UTC(2026, 11, 1);
const dir = mkdtempSync(join(tmpdir(), 'rxchat-'));
const [original, backup, restored] = ['original', 'backup', 'restored'].map((name) => join(dir, name));
const LINES = ['one', 'two', 'three', 'four', 'five', 'six'];

/** Appends lines to each room of a store, one per batch. */
const fill = (path, suffix, lines) =>
  new Promise((resolve, reject) => {
    const store = lmdbHistory({
      dir: path,
      retention: { maxAgeMs: 86_400_000, maxEntries: 4 },
      now: () => TIME_MS,
      sweepIntervalMs: 1,
    }).subscribe({
      next: (history) => {
        const append = async () => {
          for (const room of ['lobby', 'large', 'quiet']) {
            const log = history.open(room, () => `${room}-${suffix}`);
            for (const line of room === 'quiet' ? lines.slice(0, 1) : lines) {
              const text = room === 'large' ? `${line} `.repeat(5000) : line;
              const slices = [Buffer.from(`${text}\n`)];
              const stored$ = log.append({ first: log.next, count: 1, slices });
              await firstValueFrom(stored$.pipe(ignoreElements(), endWith(true)));
            }
          }
        };
        append().then(() => {
          store.unsubscribe();
          resolve();
        }, reject);
      },
      error: reject,
    });
  });

try {
  await fill(original, 'id', LINES.slice(0, 4));
  await backupHistory(original, backup);
  await restoreHistory(backup, restored);
  await fill(restored, 'restored', LINES.slice(4));
  writeFileSync(file, gzipSync(readFileSync(join(restored, 'rooms.mdb')), { level: 9 }));
} finally {
  rmSync(dir, { recursive: true });
}
