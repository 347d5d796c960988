import type { Gap } from '../../streams/relay/log/history.js';
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
    all.push(...(read instanceof Uint8Array ? trimmedLines(read) : [read]));
  return all;
};
