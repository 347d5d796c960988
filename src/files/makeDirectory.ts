import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { errorCode } from '../transport/networkError.js';

/** Makes a directory and those above it that are missing, for its owner alone. Throws errors of the system. */
export const makeDirectory = (dir: string): void => {
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
  } catch (error) {
    // On a read-only file system Node reports that a directory is missing, and not why it cannot be made.
    if (errorCode(error) === 'ENOENT') mkdirSync(highestMissing(dir), { mode: 0o700 });
    throw error;
  }
};

const highestMissing = (dir: string): string =>
  existsSync(dirname(dir)) || dirname(dir) === dir ? dir : highestMissing(dirname(dir));
