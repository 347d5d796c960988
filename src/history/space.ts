import { closeSync, ftruncateSync, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { dataFile } from './directory.js';

/** As much as a transaction writes besides what it stores: its pages of keys, the list of free ones, its head. */
const BESIDES = 65_536;

/** Whether there is room on the disk. */
export interface Space {
  /** Throws the system's error where so many bytes more cannot be stored now. */
  need(bytes: number): void;
  close(): void;
}

const NOUGHT = new Uint8Array(1);

/**
 * Asks the system before lmdb does. A write of lmdb's that fails can damage the memory of the process (seen with 3.5.6: it
 * then ends with "free(): invalid pointer", soon or later), so it must not come to one.
 *
 * The free space is read, and a byte is written to a file beside, as far behind its beginning as lmdb's would have its new
 * end: this finds a limit on the size of files. What another program takes in between, and a quota, it does not see.
 */
export const spaceIn = (dir: string): Space => {
  const path = join(dir, 'space');
  const file = openSync(path, 'w', 0o600);
  // It is wanted open and not by its name; where an open file cannot be removed it stays, empty.
  const remove = () => {
    try {
      rmSync(path, { force: true });
    } catch {
      // Another time.
    }
  };
  remove();

  return {
    need: (bytes) => {
      const { bavail, bsize } = statfsSync(dir);
      if (bavail * bsize < bytes + BESIDES)
        throw Object.assign(new Error('no space is left on the disk'), { code: 'ENOSPC' });
      try {
        writeSync(file, NOUGHT, 0, 1, statSync(dataFile(dir)).size + bytes + BESIDES);
      } finally {
        ftruncateSync(file, 0);
      }
    },
    close: () => {
      closeSync(file);
      remove();
    },
  };
};
