/**
 * Stores BATCHES batches in DIR while its caller makes system calls fail. Prints how many batches were stored and
 * rejected. Exits with 9 if the store was closed because of failures. The caller checks that every stored batch is
 * still there.
 */
import { Buffer } from 'node:buffer';
import { setImmediate } from 'node:timers';
import { endWith, firstValueFrom, ignoreElements } from 'rxjs';
import { lmdbHistory } from '../../../dist/src/history/index.js';

const [dir = '', batches = '0'] = process.argv.slice(2);

const sent = { stored: 0, refused: 0 };
const reasons = new Set();
const end = (code, more) => {
  console.log(JSON.stringify({ ...sent, reasons: [...reasons], ...more }));
  process.exitCode = code;
};

let seconds = 0;
const storage = lmdbHistory({ dir, monotonicNow: () => 1000 * (seconds += 10) }).subscribe({
  next: (history) => {
    // The subscription has to be assigned first.
    setImmediate(() => void append(history.open('room', () => 'id')));
  },
  error: ({ code, message }) => end(9, { code, message }),
});

const append = async (log) => {
  for (let n = 0; n < Number(batches) && !storage.closed; n += 1) {
    // Batches of different sizes, so that the file grows, and lmdb frees pages and reuses them.
    const slices = [Buffer.from(`${'x'.repeat((n * 7919) % 50_000)}\n`)];
    const appended$ = log
      .append({ first: log.next, count: 1, slices })
      .pipe(ignoreElements(), endWith('stored'));
    const outcome = await firstValueFrom(appended$).catch((error) => error);
    if (outcome === 'stored') sent.stored += 1;
    else {
      sent.refused += 1;
      reasons.add(outcome.message.replace(/^.*: /, ''));
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (storage.closed) return;
  storage.unsubscribe();
  end(0, {});
};
