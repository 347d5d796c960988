import type { Gap } from '../../streams/relay/history.js';
import type { Cursor, RoomLog } from '../../streams/relay/roomLog.js';
import type { Lines } from '../../streams/wire/lines.js';
import { batch, textOf } from './wire.js';

/** Appends and commits at once. */
export const put = (log: RoomLog, ...lines: string[]): void => {
  log.append(batch(...lines));
  log.commit(log.batch());
};

/** Line number n, of 256 bytes: the quarter of a slab of the smallest log there can be, whose window is 4096. */
export const quarter = (n: number): string => `${n}`.padEnd(255, '.');

export const numbers = (from: number, to: number): string[] =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, n) => `${from + n}`);

export const quarters = (from: number, to: number): Lines =>
  batch(...numbers(from, to).map((n) => quarter(Number(n))));

/** Lines without what they were filled up with. */
export const namesOf = (bytes: Uint8Array): string[] => textOf(bytes).map((line) => line.replace(/\.*$/, ''));

/** All that a cursor gives: numbers of lines, and gaps as they are. */
export const readAll = (cursor: Cursor): (string | Gap)[] => {
  const all: (string | Gap)[] = [];
  for (let read = cursor.read(); read !== undefined; read = cursor.read())
    all.push(...(read instanceof Uint8Array ? namesOf(read) : [read]));
  return all;
};
