import { closeSync, fstatSync, openSync, readSync, statfsSync, writeSync } from 'node:fs';
import { dataFile } from './directory.js';

/**
 * As much as a transaction writes, in bytes, besides what it stores: the pages of keys on the way to it, the list of free
 * ones, what retention changes.
 */
const BESIDES = 1_048_576;

/** As much more is made the file's own, in bytes, so that not each transaction has to wait for it; more of a large file. */
const ahead = (used: number): number => Math.min(16 * 1_048_576, Math.max(1_048_576, used / 64));

/** The file is made longer to a multiple of this, which is one of each size of pages. */
const GRAIN = 65_536;

/** Room for what lmdb is about to write. */
export interface Space {
  /** Throws the system's error if so many bytes more cannot be stored now. */
  readonly need: (bytes: number) => void;
  /** Up to here, in bytes, lmdb may write. It only grows. */
  readonly end: number;
  readonly close: () => void;
}

const ZEROS = new Uint8Array(GRAIN);

/**
 * Sees that lmdb writes only where the file has its place on the disk already: what lies behind its last page is written
 * before it is, as zeros. A write of lmdb's that fails damages the memory of the process, or ends it if it writes by way of
 * a map of the file; one of ours is an error like any other. So a full disk, a quota and a limit on the size of files are met
 * here, and what other programs take meanwhile takes nothing that lmdb counts on. If there is room already, one byte behind the
 * last page is written: a disk that has become read-only is met here too.
 *
 * If the file system writes each change to a new place this proves little, and the free space is asked for instead.
 *
 * @param used where the last page ends that was ever used.
 */
export const spaceIn = (dir: string, used: () => number): Space => {
  const file = openSync(dataFile(dir), 'r+');
  const inPlace = overwritesInPlace(dir);
  /** Up to here, in bytes, the file has its place. At first nothing is counted: a copy of it may have holes. */
  let reserved = 0;

  const reserve = (from: number, least: number) => {
    const most = roundUp(least + ahead(from));
    try {
      for (let at = from; at < most; reserved = at)
        at += writeSync(file, ZEROS, 0, Math.min(ZEROS.length, most - at), at);
    } catch (error) {
      if (reserved < least) throw error;
    } finally {
      reserved -= reserved % GRAIN;
    }
  };

  try {
    if (inPlace) fillHoles(file, used());
  } catch (error) {
    closeSync(file);
    throw error;
  }
  return {
    need: (bytes) => {
      if (!inPlace) needFree(dir, bytes + BESIDES);
      const from = used();
      const least = roundUp(from + bytes + BESIDES);
      if (reserved < least) reserve(Math.max(from, reserved), least);
      // If the disk takes nothing any more (it became read-only, say), room alone proves nothing.
      else writeSync(file, ZEROS, 0, 1, from);
    },
    get end() {
      return reserved;
    },
    close: () => {
      closeSync(file);
    },
  };
};

const roundUp = (bytes: number): number => Math.ceil(bytes / GRAIN) * GRAIN;

/** Gives what is in use of the file its place on the disk, if a copy was made that leaves zeros away. */
const fillHoles = (file: number, used: number): void => {
  const { size, blocks } = fstatSync(file);
  if (blocks * 512 >= Math.min(used, size)) return;
  const bytes = new Uint8Array(GRAIN);
  for (let at = 0; at < used;) {
    const read = readSync(file, bytes, 0, Math.min(GRAIN, used - at), at);
    if (read === 0) return;
    if (bytes.subarray(0, read).every((byte) => byte === 0)) writeSync(file, ZEROS, 0, read, at);
    at += read;
  }
};

const needFree = (dir: string, bytes: number): void => {
  const { bavail, bsize } = statfsSync(dir);
  if (bavail * bsize < bytes)
    throw Object.assign(new Error('no space is left on the disk'), { code: 'ENOSPC' });
};

/** btrfs, ZFS, bcachefs: `f_type` of statfs(2). */
const COPY_ON_WRITE: readonly number[] = [0x9123683e, 0x2fc12fc1, 0xca451a4e];

const overwritesInPlace = (dir: string): boolean =>
  process.platform === 'linux' && !COPY_ON_WRITE.includes(statfsSync(dir).type);
