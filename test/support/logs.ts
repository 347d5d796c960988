import { concat, defer, EMPTY, ignoreElements, type Observable, take } from 'rxjs';
import type { Gap, ReadableLog } from '../../streams/relay/log/history.js';
import type { Cursor, RoomLog } from '../../streams/relay/log/roomLog.js';
import type { Lines } from '../../streams/wire/lines.js';
import { batch, splitLines } from './wire.js';

/** Appends and commits at once. */
export const appendAndCommit = (log: RoomLog, ...lines: string[]): void => {
  log.append(batch(...lines));
  log.commit(log.batch());
};

/** Returns line number n, of 256 bytes: a quarter of a slab of the smallest log, whose window is 4096. */
export const quarterSlabLine = (n: number): string => `${n}`.padEnd(255, '.');

export const numberLines = (from: number, to: number): string[] =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, n) => `${from + n}`);

export const quarterSlabLines = (from: number, to: number): Lines =>
  batch(...numberLines(from, to).map((n) => quarterSlabLine(Number(n))));

/** Removes the padding of lines. */
export const trimmedLines = (bytes: Uint8Array): string[] =>
  splitLines(bytes).map((line) => line.replace(/\.*$/, ''));

/** Reads everything from a cursor: numbers of lines, and gaps. */
export const readAll = (cursor: Cursor): (string | Gap)[] => {
  const all: (string | Gap)[] = [];
  for (let read = cursor.read(); read !== undefined; read = cursor.read())
    all.push(...(read instanceof Uint8Array ? trimmedLines(read) : [read as Gap]));
  return all;
};

/**
 * Returns a log of lines, one per read, each of which has to be fetched. A fetch ends when the Observable that `fetch`
 * returns emits, and errors with it.
 */
export const fetchedLog = (lines: readonly string[], fetch: () => Observable<unknown>): ReadableLog => {
  const fetched = new Set<number>();
  return {
    id: 'log',
    first: 1,
    next: lines.length + 1,
    read: (position) => {
      const line = lines[position - 1];
      if (line === undefined) return undefined;
      if (fetched.has(position)) return batch(line);
      const end$ = defer(() => {
        fetched.add(position);
        return EMPTY;
      });
      return { ready$: concat(defer(fetch).pipe(take(1), ignoreElements()), end$) };
    },
  };
};
