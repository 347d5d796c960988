import { chmodSync, closeSync, fsyncSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { makeDirectory } from '../../files/writeFile.js';
import { dataFile, writeVersionFile } from './directory.js';
import { describeError, HistoryError } from './errors.js';

/** The subdirectory of a store that is not complete. */
const STAGING = 'incomplete';

/** Creates a directory for its owner alone. Throws `HistoryError` if it cannot, or if the directory is not empty. */
export const createEmptyDirectory = (dir: string): void => {
  let names: readonly string[];
  try {
    makeDirectory(dir);
    names = readdirSync(dir);
    if (names.length === 0) chmodSync(dir, 0o700);
  } catch (error) {
    throw stagingError(dir, error);
  }
  if (names.length > 0)
    throw new HistoryError('unwritable', `${dir} is not empty`, { hint: 'choose a new directory' });
};

interface StagedStore<T> {
  readonly version: number;
  readonly result: T;
}

/**
 * Creates the store of a directory that has none, completely or not at all. `build` creates the data file in the
 * directory that it receives, and returns the version of its format and a result, which is returned. The version file is
 * written last: without it a store is not complete. Rejects with `HistoryError`.
 */
export const createStagedStore = async <T>(
  dir: string,
  build: (stagingDir: string) => Promise<StagedStore<T>> | StagedStore<T>,
): Promise<T> => {
  const staging = join(dir, STAGING);
  try {
    // A process that was killed may have left it.
    rmSync(staging, { recursive: true, force: true });
    makeDirectory(staging);
    const { version, result } = await build(staging);
    makePrivateAndSync(dataFile(staging));
    renameSync(dataFile(staging), dataFile(dir));
    writeVersionFile(dir, version);
    return result;
  } catch (error) {
    throw stagingError(dir, error);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
};

/** Makes a file readable by its owner alone, and waits until it is on the disk. Throws system errors. */
export const makePrivateAndSync = (path: string): void => {
  chmodSync(path, 0o600);
  const file = openSync(path, 'r+');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
};

const stagingError = (dir: string, error: unknown): HistoryError =>
  error instanceof HistoryError
    ? error
    : new HistoryError('unwritable', `cannot store the history in ${dir}: ${describeError(error)}`);
