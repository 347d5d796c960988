/**
 * Fills a small disk and frees it again, ROUNDS times, while it stores batches in DIR. Exits with 0 if each batch was
 * either stored or rejected. No batch may be rejected while there is space, and all stored batches must be readable.
 */
import { Buffer } from 'node:buffer';
import { closeSync, openSync, rmSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { firstValueFrom, ignoreElements, endWith } from 'rxjs';
import { checkHistory, lmdbHistory } from '../../../dist/src/history/index.js';

const [dir = '', rounds = '0', seed = '0'] = process.argv.slice(2);

let state = Number(seed);
const random = (below) => {
  state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
  return state % below;
};

const ballast = join(dir, 'ballast');
const fill = () => {
  const file = openSync(ballast, 'w');
  let size = 0;
  try {
    for (;;) size += writeSync(file, Buffer.alloc(4096, 'x'));
  } catch {
    // Sometimes a few pages stay free, which is the difficult case.
    truncateSync(ballast, Math.max(0, size - 4096 * random(40)));
  } finally {
    closeSync(file);
  }
};

const opened = () =>
  new Promise((resolve, reject) => {
    const storage = lmdbHistory({ dir: join(dir, 'store') }).subscribe({
      next: (history) =>
        resolve({ log: history.open('room', () => 'id'), close: () => storage.unsubscribe() }),
      error: reject,
    });
  });

let { log, close } = await opened();
const send = () => {
  const slices = [Buffer.from(`${'x'.repeat(random(40_000))}\n`)];
  return firstValueFrom(
    log.append({ first: log.next, count: 1, slices }).pipe(ignoreElements(), endWith('stored')),
  ).catch((error) => error.code);
};

let refused = 0;
for (let round = 0; round < Number(rounds); round += 1) {
  fill();
  for (let outcome = await send(); outcome !== 'unwritable'; outcome = await send())
    if (outcome !== 'stored') throw new Error(`it said ${outcome}`);
  // Small batches may still fit or not; none may damage the store.
  for (let more = random(10); more > 0; more -= 1) refused += (await send()) === 'stored' ? 0 : 1;
  rmSync(ballast);
  for (let more = 1 + random(5); more > 0; more -= 1)
    if ((await send()) !== 'stored') throw new Error('there is room, and it was refused');
  if (random(4) > 0) continue;
  const { next } = log;
  close();
  ({ log, close } = await opened());
  if (log.next !== next) throw new Error(`it ended at ${next} and begins at ${log.next}`);
}
const { first, next } = log;
close();
const { entries } = checkHistory(join(dir, 'store'));
if (entries !== next - first) throw new Error(`${entries} entries of ${next - first}`);
console.log(`${next - 1} stored, ${refused} more refused`);
