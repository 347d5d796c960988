import { closeSync, openSync, statfsSync, writeSync } from 'node:fs';
import { dataFile } from './directory.js';

/**
 * As much as a transaction writes, in bytes, besides what it stores: the pages of keys on the way to it, the list of free
 * ones, what retention changes.
 */
const BESIDES = 1_048_576;

/** As much more is made the file's own, in bytes, so that not each transaction has to wait for it. */
const AHEAD = 1_048_576;

/** Room for what lmdb is about to write. */
export interface Space {
  /** Throws the system's error where so many bytes more cannot be stored now. */
  need(bytes: number): void;
  close(): void;
}

const ZEROS = new Uint8Array(65_536);

/**
 * Sees that lmdb writes only where the file has its place on the disk already: what lies behind its last page is written
 * before it is, as zeros. A write of lmdb's that fails damages the memory of the process (seen with 3.5.6: it then ends
 * with "free(): invalid pointer", soon or later); one of ours is an error like any other. So a full disk, a quota and a
 * limit on the size of files are met here, and what other programs take meanwhile takes nothing that lmdb counts on. Where
 * there is room already, one byte behind the last page is written: a disk that has become read-only is met here too.
 *
 * Where the file system writes each change to a new place this proves little, and the free space is asked for instead.
 */
export const spaceIn = (dir: string, end: () => number): Space => {
  const file = openSync(dataFile(dir), 'r+');
  const inPlace = overwritesInPlace(dir);
  /** Up to here, in bytes, the file has its place. At first nothing is counted: a copy of it may have holes. */
  let reserved = 0;

  const reserve = (from: number, least: number) => {
    try {
      for (let at = from; at < least + AHEAD; reserved = at)
        at += writeSync(file, ZEROS, 0, Math.min(ZEROS.length, least + AHEAD - at), at);
    } catch (error) {
      if (reserved < least) throw error;
    }
  };

  return {
    need: (bytes) => {
      if (!inPlace) needFree(dir, bytes + BESIDES);
      const used = end();
      const least = used + bytes + BESIDES;
      if (reserved < least) reserve(Math.max(used, reserved), least);
      // Where the disk takes nothing any more (it became read-only, say), room alone proves nothing.
      else writeSync(file, ZEROS, 0, 1, used);
    },
    close: () => {
      closeSync(file);
    },
  };
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
