/**
 * Stores BATCHES batches in DIR on a disk that fails, by somebody who makes calls of the system fail. Prints what became of
 * them, and ends with 9 if the store was given up; each batch that was stored has to be there for who opens it next.
 */
import { Buffer } from 'node:buffer';
import { setImmediate } from 'node:timers';
import { endWith, firstValueFrom, ignoreElements } from 'rxjs';
import { lmdbHistory } from '../../../dist/src/history/index.js';

const [dir = '', batches = '0'] = process.argv.slice(2);

const said = { stored: 0, refused: 0 };
const reasons = new Set();
const end = (code, more) => {
  console.log(JSON.stringify({ ...said, reasons: [...reasons], ...more }));
  process.exitCode = code;
};

let seconds = 0;
const held = lmdbHistory({ dir, monotonic: () => 1000 * (seconds += 10) }).subscribe({
  next: (history) => {
    // Not before `held` is there.
    setImmediate(() => void talk(history.open('room', () => 'id')));
  },
  error: ({ code, message }) => end(9, { code, message }),
});

const talk = async (log) => {
  for (let n = 0; n < Number(batches) && !held.closed; n += 1) {
    // Of all sizes, so that the file grows, and lmdb frees pages and uses them again.
    const slices = [Buffer.from(`${'x'.repeat((n * 7919) % 50_000)}\n`)];
    const saying = log
      .append({ first: log.next, count: 1, slices })
      .pipe(ignoreElements(), endWith('stored'));
    const outcome = await firstValueFrom(saying).catch((error) => error);
    if (outcome === 'stored') said.stored += 1;
    else {
      said.refused += 1;
      reasons.add(outcome.message.replace(/^.*: /, ''));
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (held.closed) return;
  held.unsubscribe();
  end(0, {});
};
