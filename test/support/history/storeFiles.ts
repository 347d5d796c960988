import { closeSync, copyFileSync, openSync, readFileSync, readSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { inspectDirectory } from '../../../src/history/layout/directory.js';
import { readHeader } from '../../../src/history/layout/header.js';
import { openStore } from '../../../src/history/store/openStore.js';
import type { Store } from '../../../src/history/store/store.js';
import { numberedLines, openHistory, appendLines } from './openHistory.js';

/** Number of small rooms, with 24 entries each. The room `large` has 8, of which the first two are removed. */
export const ROOMS = 40;
export const LARGE_LINE: string = 'large '.repeat(2000);

/** Fills a directory with small rooms and one with large records, in several transactions. */
export const fillStore = async (dir: string, count: number = ROOMS): Promise<void> => {
  const { history, close } = await openHistory({ dir, retention: { maxBytes: 80_000 } });
  const rooms = Array.from({ length: count }, (_, n) => history.open(`room ${n}`, () => `id ${n}`));
  const large = history.open('large', () => 'large');
  for (let round = 0; round < 8; round += 1)
    await Promise.all([
      appendLines(large, LARGE_LINE),
      ...rooms.map((room) => appendLines(room, ...numberedLines(1, 3))),
    ]);
  close();
};

export const copyStore = (from: string, to: string): string => {
  for (const name of ['VERSION', 'rooms.mdb']) copyFileSync(join(from, name), join(to, name));
  return to;
};

/** Returns the used bytes of a store's file. The rest is reserved space. */
export const usedBytes = (dir: string): number => {
  const header = readHeader(dataFile(dir));
  if (typeof header !== 'object') throw new Error('there is no store');
  return header.expectedSize;
};

export const dataFile = (dir: string): string => join(dir, 'rooms.mdb');

/** Changes values in a closed store. */
export const changeStore = (dir: string, action: (store: Store) => void): void => {
  const store = openStore(dir, inspectDirectory(dir), { durability: 'os' });
  store.write(() => {
    action(store);
  });
  store.close();
};

/** Flips a bit of a store's file. A second call restores it. */
export const flipBit = (dir: string, at: number, bit: number): void => {
  const file = openSync(dataFile(dir), 'r+');
  const byte = Buffer.alloc(1);
  readSync(file, byte, 0, 1, at);
  byte[0]! ^= 1 << bit;
  writeSync(file, byte, 0, 1, at);
  closeSync(file);
};

/** Changes bytes of a store's file. */
export const changeFile = (dir: string, action: (bytes: Buffer) => void): void => {
  const bytes = readFileSync(dataFile(dir));
  action(bytes);
  writeFileSync(dataFile(dir), bytes);
};
