import { copyFileSync, readFileSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir, type RunResult, rxchat } from '../child.js';
import { newRoom, type Room, viaPort } from '../relay.js';
import { runShared } from '../runShared.js';
import { startRestartableRelay } from './restartableRelay.js';
import { rawEntries } from './readBack.js';
import { usedBytes } from '../../../support/history/storeFiles.js';

/** A store that no relay uses, and its content. */
export interface StoreSnapshot {
  readonly dir: string;
  readonly rooms: readonly { readonly room: Room; readonly entries: readonly string[] }[];
  /** The output of `check`, without the name of the directory. */
  readonly checkOutput: string;
  /** The used bytes of its file. The rest is reserved space. */
  readonly usedBytes: number;
}

const FILE = 'rooms.mdb';
const PAGE = 4096;

/** Messages in each of two rooms: runs of `send`, and lines per run. */
const RUNS = 4;
const LINES = 80;

/** Creates a store that a relay leaves when it is stopped or killed. */
export const makeStore = async (end: 'stop' | 'kill'): Promise<StoreSnapshot> => {
  const relay = await startRestartableRelay();
  const rooms: Room[] = [newRoom(relay.port), newRoom(relay.port)];
  for (const { text } of rooms)
    for (let time = 0; time < RUNS; time += 1) {
      const input = Array.from({ length: LINES }, (_, k) => `${time} ${k} ${'x'.repeat((37 * k) % 900)}\n`);
      const { code, err } = await runShared(['send', text], { input: input.join('') });
      if (code !== 0) throw new Error(err);
    }
  const read = await Promise.all(rooms.map(async (room) => ({ room, entries: await rawEntries(room) })));
  await relay[end]();
  const { out } = await check(relay.dir);
  return {
    dir: relay.dir,
    rooms: read,
    checkOutput: out.replace(relay.dir, ''),
    usedBytes: usedBytes(relay.dir),
  };
};

/** Damages the store's file at a path. */
export type Damage = (path: string) => void;

export const flipBit =
  (at: number, bit: number = at % 8): Damage =>
  (path) => {
    const bytes = readFileSync(path);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
    writeFileSync(path, bytes);
  };
export const truncateTo =
  (size: number): Damage =>
  (path) =>
    truncateSync(path, size);
export const removeFile: Damage = (path) => unlinkSync(path);
/** Overwrites a page with zeros. The last pages may be free ones. */
export const zeroPageBefore =
  (end: number): Damage =>
  (path) => {
    const bytes = readFileSync(path);
    bytes.fill(0, end - PAGE, end);
    writeFileSync(path, bytes);
  };

/**
 * Returns offsets in a file: odd ones in the head of a page, even ones anywhere in it, including the first two pages.
 */
export const damageOffsets = (size: number, count: number): readonly number[] => {
  const pages = size / PAGE;
  return Array.from({ length: count }, (_, k) => {
    const page = Math.floor((k * pages) / count) * PAGE;
    return page + (k % 2 === 1 ? (7 * k) % 24 : 24 + ((k * 1009) % (PAGE - 24)));
  });
};

/** Copies a store and damages the copy. */
export const damagedCopy = ({ dir }: StoreSnapshot, damage: Damage): string => {
  const copy = tempDir();
  for (const name of [FILE, 'VERSION']) copyFileSync(join(dir, name), join(copy, name));
  damage(join(copy, FILE));
  return copy;
};

/** Runs `rxchat check`. */
export const check = (dir: string): Promise<RunResult> => runShared(['check', '--data', dir]);

/**
 * Runs `rxchat serve` on a store. Resolves with the raw entries of its rooms if it starts, otherwise with its error
 * output.
 */
export const serve = async (
  dir: string,
  { rooms }: StoreSnapshot,
): Promise<Omit<RunResult, 'out'> | readonly (readonly string[])[]> => {
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
    const all = await rawEntries(viaPort(port, room));
    // The readers detect the rest.
    entries.push(all.slice(0, expected.length));
  }
  relay.signal('SIGTERM');
  const code = await relay.exit;
  if (code !== 0) throw new Error(`a relay that has served a store ended with ${code}:\n${relay.err.text}`);
  return entries;
};
