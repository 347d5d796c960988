import { closeSync, fstatSync, openSync, readSync, statfsSync, writeSync } from 'node:fs';
import { dataFile } from '../layout/directory.js';

/**
 * Bytes that a transaction writes in addition to its values: key pages, the list of free pages, changes by
 * retention.
 */
const OVERHEAD_BYTES = 1_048_576;

/** Returns the extra bytes to allocate, so that not every transaction has to. Larger files get more. */
const slackBytes = (usedBytes: number): number =>
  Math.min(16 * 1_048_576, Math.max(1_048_576, usedBytes / 64));

/** The file grows by multiples of this many bytes, which is a multiple of every page size. */
const EXTENT_BYTES = 65_536;

/** Allocated space for the writes of lmdb. */
export interface ReservedSpace {
  /** Allocates the bytes, or throws the system error if they cannot be stored now. */
  readonly reserve: (bytes: number) => void;
  /** Offset up to which lmdb may write. It only grows. */
  readonly end: number;
  readonly close: () => void;
}

const ZEROS = new Uint8Array(EXTENT_BYTES);

/**
 * Allocates the space of the file before lmdb writes, by writing zeros after its last page.
 *
 * A failed write of lmdb corrupts the memory of the process, or ends it with the write map. A failed write here is an
 * ordinary error. So a full disk, a quota and a file size limit are detected here, and other programs cannot take the
 * space. If there is space already, one byte is written after the last page, to detect a disk that became read-only.
 *
 * On a copy-on-write file system this proves little, so the free space is checked instead.
 *
 * @param usedBytes returns the end of the last page that was ever used.
 */
export const reserveSpace = (dir: string, usedBytes: () => number): ReservedSpace => {
  const file = openSync(dataFile(dir), 'r+');
  const isInPlace = overwritesInPlace(dir);
  /** Offset up to which the file is allocated. It starts at 0, since a copied file may have holes. */
  let reserved = 0;

  const extend = (from: number, least: number) => {
    const most = roundUp(least + slackBytes(from));
    try {
      for (let at = from; at < most; reserved = at)
        at += writeSync(file, ZEROS, 0, Math.min(ZEROS.length, most - at), at);
    } catch (error) {
      if (reserved < least) throw error;
    } finally {
      reserved -= reserved % EXTENT_BYTES;
    }
  };

  try {
    if (isInPlace) fillHoles(file, usedBytes());
  } catch (error) {
    closeSync(file);
    throw error;
  }
  return {
    reserve: (bytes) => {
      if (!isInPlace) checkFreeSpace(dir, bytes + OVERHEAD_BYTES);
      const from = usedBytes();
      const least = roundUp(from + bytes + OVERHEAD_BYTES);
      if (reserved < least) extend(Math.max(from, reserved), least);
      // Allocated space alone proves nothing if the disk became read-only.
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

const roundUp = (bytes: number): number => Math.ceil(bytes / EXTENT_BYTES) * EXTENT_BYTES;

/** Allocates the used part of the file, if a copy has holes instead of zeros. */
const fillHoles = (file: number, used: number): void => {
  const { size, blocks } = fstatSync(file);
  if (blocks * 512 >= Math.min(used, size)) return;
  const bytes = new Uint8Array(EXTENT_BYTES);
  for (let at = 0; at < used;) {
    const read = readSync(file, bytes, 0, Math.min(EXTENT_BYTES, used - at), at);
    if (read === 0) return;
    if (bytes.subarray(0, read).every((byte) => byte === 0)) writeSync(file, ZEROS, 0, read, at);
    at += read;
  }
};

const checkFreeSpace = (dir: string, bytes: number): void => {
  const { bavail, bsize } = statfsSync(dir);
  if (bavail * bsize < bytes)
    throw Object.assign(new Error('no space is left on the disk'), { code: 'ENOSPC' });
};

/** btrfs, ZFS, bcachefs: `f_type` of statfs(2). */
const COPY_ON_WRITE: readonly number[] = [0x9123683e, 0x2fc12fc1, 0xca451a4e];

const overwritesInPlace = (dir: string): boolean =>
  process.platform === 'linux' && !COPY_ON_WRITE.includes(statfsSync(dir).type);
