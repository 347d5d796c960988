import { copyFileSync, readFileSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newDir, type Ran, run, rxchat } from '../child.js';
import { newRoom, type Room, through } from '../relay.js';
import { lastingRelay } from './lastingRelay.js';
import { rawEntries } from './readBack.js';
import { usedOf } from '../../../unit/history/stores.js';

/** A store that no relay uses, and all that is in it. */
export interface Pristine {
  readonly dir: string;
  readonly rooms: readonly { readonly room: Room; readonly entries: readonly string[] }[];
  /** What `check` says of it, without the name of its directory. */
  readonly whole: string;
  /** How many bytes of its file are used; behind them is what is reserved. */
  readonly used: number;
}

const FILE = 'rooms.mdb';
const PAGE = 4096;

/** How much is said in each of two rooms: runs of `send`, and lines of each. */
const RUNS = 4;
const LINES = 80;

/** A store as a relay leaves it that is ended, or killed. */
export const makeStore = async (end: 'stop' | 'kill'): Promise<Pristine> => {
  const relay = await lastingRelay();
  const rooms: Room[] = [newRoom(relay.port), newRoom(relay.port)];
  for (const { text } of rooms)
    for (let time = 0; time < RUNS; time += 1) {
      const input = Array.from({ length: LINES }, (_, k) => `${time} ${k} ${'x'.repeat((37 * k) % 900)}\n`);
      const { code, err } = await run(['send', text], { input: input.join('') });
      if (code !== 0) throw new Error(err);
    }
  const read = await Promise.all(rooms.map(async (room) => ({ room, entries: await rawEntries(room) })));
  await relay[end]();
  const { out } = await check(relay.dir);
  return {
    dir: relay.dir,
    rooms: read,
    whole: out.replace(relay.dir, ''),
    used: usedOf(relay.dir),
  };
};

/** What is done to the store's file. */
export type Damage = (path: string) => void;

export const flip =
  (at: number, bit: number = at % 8): Damage =>
  (path) => {
    const bytes = readFileSync(path);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
    writeFileSync(path, bytes);
  };
export const cutTo =
  (size: number): Damage =>
  (path) =>
    truncateSync(path, size);
export const remove: Damage = (path) => unlinkSync(path);
/** Makes zeros of its last page; its last pages may be free ones. */
export const zeroPageBefore =
  (end: number): Damage =>
  (path) => {
    const bytes = readFileSync(path);
    bytes.fill(0, end - PAGE, end);
    writeFileSync(path, bytes);
  };

/** So many places in a file, each an odd one in a head of a page and an even one anywhere in it, the first two pages' too. */
export const places = (size: number, count: number): readonly number[] => {
  const pages = size / PAGE;
  return Array.from({ length: count }, (_, k) => {
    const page = Math.floor((k * pages) / count) * PAGE;
    return page + (k % 2 === 1 ? (7 * k) % 24 : 24 + ((k * 1009) % (PAGE - 24)));
  });
};

/** A copy of a store, damaged. */
export const damagedCopy = ({ dir }: Pristine, damage: Damage): string => {
  const copy = newDir();
  for (const name of [FILE, 'VERSION']) copyFileSync(join(dir, name), join(copy, name));
  damage(join(copy, FILE));
  return copy;
};

/** Runs `rxchat check`. */
export const check = (dir: string): Promise<Ran> => run(['check', '--data', dir]);

/**
 * Runs `rxchat serve` on a store: all that is in its rooms where it starts, as raw entries; what it said where it does
 * not.
 */
export const serve = async (
  dir: string,
  { rooms }: Pristine,
): Promise<Omit<Ran, 'out'> | readonly (readonly string[])[]> => {
  const relay = rxchat(['serve', '--port', '0', '--data', dir]);
  const port = await relay.out
    .until(({ text }) => /^listening on 127\.0\.0\.1:(\d+)\n/.exec(text))
    .then(
      ([, bound]) => Number(bound),
      () => undefined,
    );
  if (port === undefined) return { code: await relay.exit, err: relay.err.text };
  const entries: string[][] = [];
  for (const { room, entries: expected } of rooms) {
    const all = await rawEntries(through(port, room));
    // What comes after is of those who read.
    entries.push(all.slice(0, expected.length));
  }
  relay.signal('SIGTERM');
  const code = await relay.exit;
  if (code !== 0) throw new Error(`a relay that has served a store ended with ${code}:\n${relay.err.text}`);
  return entries;
};
