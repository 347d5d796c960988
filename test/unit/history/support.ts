import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { firstValueFrom, lastValueFrom, type Subscription } from 'rxjs';
import type { Gap, History, StoredLog } from '../../../streams/relay/history.js';
import { encodeText } from '../../../streams/wire/utf8.js';
import { HistoryError, lmdbHistory, type LmdbHistoryOptions } from '../../../src/history/index.js';
import { textOf } from '../../support/wire.js';

/** Directories that are removed together. */
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

export interface Opened {
  readonly history: History;
  readonly close: () => void;
}

/** The store of a directory, until it is closed. Durable as far as a test can see. */
export const openDir = (options: LmdbHistoryOptions): Promise<Opened> =>
  new Promise((resolve, reject) => {
    const subscription: Subscription = lmdbHistory({ durability: 'os', ...options }).subscribe({
      next: (history) => {
        // A store that is there at once would be there before `subscription` is.
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

/** The error that opening a directory ends with. */
export const refusal = async (options: LmdbHistoryOptions): Promise<HistoryError> => {
  try {
    await firstValueFrom(lmdbHistory(options));
  } catch (error) {
    if (error instanceof HistoryError) return error;
    throw error;
  }
  throw new Error('it opened');
};

/** What an action throws, as a `HistoryError`. */
export const thrown = (action: () => unknown): HistoryError => {
  try {
    action();
  } catch (error) {
    if (error instanceof HistoryError) return error;
    throw error;
  }
  throw new Error('it did not throw');
};

/** Appends lines as one slice each. */
export const say = (log: StoredLog, ...lines: string[]): Promise<unknown> =>
  lastValueFrom(
    log.append({
      first: log.next,
      count: lines.length,
      slices: lines.map((line) => encodeText(`${line}\n`)),
    }),
    { defaultValue: 'stored' },
  );

/** All that a log gives from a position on: lines, and gaps as `from-to`. */
export const readAll = (log: StoredLog, from: number = log.first): string[] => {
  const all: string[] = [];
  for (let position = from; ;) {
    const read = log.read(position);
    if (read === undefined) return all;
    if (isGap(read)) {
      all.push(`${read.from}-${read.to}`);
      position = read.to + 1;
    } else {
      const lines = textOf(read.bytes);
      if (lines.length !== read.count) throw new Error(`${lines.length} lines and not ${read.count}`);
      all.push(...lines);
      position += read.count;
    }
  }
};

export const isGap = (read: object): read is Gap => 'from' in read;

/** Lines `from` to `to` by number. */
export const numbered = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, n) => `line ${from + n}`);
