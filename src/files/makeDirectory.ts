import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { errorCode } from '../transport/networkError.js';

/**
 * Makes a directory and those above it that are missing, for its owner alone. Throws errors of the system. Not by the
 * `recursive` of Node: that never ends where nothing can be made (`/proc`), and hides the reason on a read-only file system.
 */
export const makeDirectory = (dir: string): void => {
  const above = dirname(dir);
  if (above !== dir && !existsSync(above)) makeDirectory(above);
  try {
    mkdirSync(dir, { mode: 0o700 });
  } catch (error) {
    if (errorCode(error) !== 'EEXIST' || !isDirectory(dir)) throw error;
  }
};

const isDirectory = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
