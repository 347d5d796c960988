import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { firstValueFrom, lastValueFrom, type Subscription } from 'rxjs';
import type { Gap, History, StoredLog } from '../../../streams/relay/log/history.js';
import { encodeText } from '../../../streams/wire/encoding.js';
import { HistoryError, lmdbHistory, type LmdbHistoryOptions } from '../../../src/history/index.js';
import { splitLines } from '../wire.js';

/** Creates directories that are removed together. */
export const tempDirs = (): { readonly make: () => string; readonly clear: () => void } => {
  const dirs: string[] = [];
  return {
    make: () => {
      const dir = mkdtempSync(join(tmpdir(), 'rxchat-history-'));
      dirs.push(dir);
      return dir;
    },
    clear: () => {
      for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true });
    },
  };
};

export interface OpenHistory {
  readonly history: History;
  readonly close: () => void;
}

/** Opens the store of a directory until it is closed. A commit looks durable to the test. */
export const openHistory = (options: LmdbHistoryOptions): Promise<OpenHistory> =>
  new Promise((resolve, reject) => {
    const subscription: Subscription = lmdbHistory({ durability: 'os', ...options }).subscribe({
      next: (history) => {
        // A store that opens synchronously would emit before `subscription` is assigned.
        queueMicrotask(() => {
          resolve({
            history,
            close: () => {
              subscription.unsubscribe();
            },
          });
        });
      },
      error: reject,
    });
  });

/** Resolves with the error of opening a directory. */
export const openError = async (options: LmdbHistoryOptions): Promise<HistoryError> => {
  try {
    await firstValueFrom(lmdbHistory(options));
  } catch (error) {
    if (error instanceof HistoryError) return error;
    throw error;
  }
  throw new Error('it opened');
};

/** Returns the `HistoryError` that an action throws. */
export const historyErrorOf = (action: () => unknown): HistoryError => {
  try {
    action();
  } catch (error) {
    if (error instanceof HistoryError) return error;
    throw error;
  }
  throw new Error('it did not throw');
};

/** Appends lines as one slice each. */
export const appendLines = (log: StoredLog, ...lines: string[]): Promise<unknown> =>
  lastValueFrom(
    log.append({
      first: log.next,
      count: lines.length,
      slices: lines.map((line) => encodeText(`${line}\n`)),
    }),
    { defaultValue: 'stored' },
  );

/** Returns everything that a log has from a position on: lines, and gaps as `from-to`. */
export const readAll = (log: StoredLog, from: number = log.first): string[] => {
  const all: string[] = [];
  for (let position = from; ;) {
    const read = log.read(position);
    if (read === undefined) return all;
    if (isGap(read)) {
      all.push(`${read.from}-${read.to}`);
      position = read.to + 1;
    } else {
      const lines = splitLines(read.bytes);
      if (lines.length !== read.count) throw new Error(`${lines.length} lines and not ${read.count}`);
      all.push(...lines);
      position += read.count;
    }
  }
};

export const isGap = (read: object): read is Gap => 'from' in read;

/** Returns the lines `resumePoint` to `to` by number. */
export const numberedLines = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, n) => `line ${from + n}`);
