import { closeSync, copyFileSync, openSync, readFileSync, readSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { find } from '../../../src/history/directory.js';
import { readHeader } from '../../../src/history/header.js';
import { openStore } from '../../../src/history/openStore.js';
import type { Store } from '../../../src/history/store.js';
import { numbered, openDir, say } from './support.js';

/** How many small rooms there are, of 24 entries each; beside them `large`, of 8, the first two of which are gone. */
export const ROOMS = 40;
export const LARGE: string = 'large '.repeat(2000);

/** Fills a directory: many small rooms and one with large records, in some more transactions than one. */
export const fill = async (dir: string): Promise<void> => {
  const { history, close } = await openDir({ dir, keep: { bytes: 80_000 } });
  const rooms = Array.from({ length: ROOMS }, (_, n) => history.open(`room ${n}`, () => `id ${n}`));
  const large = history.open('large', () => 'large');
  for (let round = 0; round < 8; round += 1)
    await Promise.all([say(large, LARGE), ...rooms.map((room) => say(room, ...numbered(1, 3)))]);
  close();
};

export const copyStore = (from: string, to: string): string => {
  for (const name of ['VERSION', 'rooms.mdb']) copyFileSync(join(from, name), join(to, name));
  return to;
};

/** How many bytes of a store's file are used; behind them is what is reserved. */
export const usedOf = (dir: string): number => {
  const header = readHeader(dataOf(dir));
  if (typeof header !== 'object') throw new Error('there is no store');
  return header.meant;
};

export const dataOf = (dir: string): string => join(dir, 'rooms.mdb');

/** Changes values of a store behind its back. */
export const change = (dir: string, action: (store: Store) => void): void => {
  const store = openStore(dir, find(dir), { durability: 'os' });
  store.write(() => {
    action(store);
  });
  store.close();
};

/** Makes another of one bit of a store's file; twice, and it is what it was. */
export const flipBit = (dir: string, at: number, bit: number): void => {
  const file = openSync(dataOf(dir), 'r+');
  const byte = Buffer.alloc(1);
  readSync(file, byte, 0, 1, at);
  byte[0]! ^= 1 << bit;
  writeSync(file, byte, 0, 1, at);
  closeSync(file);
};

/** Changes bytes of a store's file. */
export const changeFile = (dir: string, action: (bytes: Buffer) => void): void => {
  const bytes = readFileSync(dataOf(dir));
  action(bytes);
  writeFileSync(dataOf(dir), bytes);
};
