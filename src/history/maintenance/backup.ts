import { constants, copyFileSync, existsSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { dataFile, inspectDirectory } from '../layout/directory.js';
import { HistoryError, historyError } from '../layout/errors.js';
import { createEmptyDirectory, createStagedStore, makePrivateAndSync } from '../layout/stagedStore.js';
import { openDatabase, storedVersion } from '../store/openStore.js';
import { checkHistory, type Contents } from './check.js';

/** What a backup contains. */
export interface Backup extends Contents {
  /** The names of other files that were copied. */
  readonly files: readonly string[];
}

/**
 * Copies a store to a new or empty directory while a relay uses it: the content of one moment. Verifies the whole copy.
 * While it copies, the file of the relay grows by what the relay stores.
 *
 * Rejects with `HistoryError`, and then leaves no copy that is complete.
 *
 * @param files names of other files in the directory of the store. Those that exist are copied too.
 */
export const backupHistory = async (
  dir: string,
  target: string,
  files: readonly string[] = [],
): Promise<Backup> => {
  const source = findStore(dir);
  createEmptyDirectory(target);
  return createStagedStore(target, async (staging) => {
    await copyDatabase(source, staging);
    const contents = verifyCopy(source, staging);
    const version = storedVersion(staging);
    return { version, result: { ...contents, files: copyFiles(source, target, files) } };
  });
};

/** Verifies a copy. Throws the damage of the source, if that is the reason. */
const verifyCopy = (source: string, copy: string): Contents => {
  try {
    return checkHistory(copy);
  } catch (error) {
    checkHistory(source);
    throw error;
  }
};

/** Returns the real path of a directory with a store that lmdb can open safely. Throws `HistoryError`. */
export const findStore = (dir: string): string => {
  try {
    const realDir = existsSync(dir) ? realpathSync(dir) : dir;
    const { header } = inspectDirectory(realDir);
    if (header === undefined)
      throw new HistoryError('unreadable', `there is no history in ${dir}`, {
        hint: 'name the directory that serve uses',
      });
    // lmdb would end the process at a page that is missing.
    if (header.size < header.expectedSize) checkHistory(realDir);
    return realDir;
  } catch (error) {
    throw historyError(error, dir, 'unreadable');
  }
};

const copyDatabase = async (source: string, target: string): Promise<void> => {
  const database = openDatabase(dataFile(source), { durability: 'disk', readOnly: true });
  try {
    await database.backup(dataFile(target), false);
  } finally {
    await database.close();
  }
};

/** Copies the files that exist in the source and not in the target, and returns their names. Throws system errors. */
export const copyFiles = (source: string, target: string, names: readonly string[]): readonly string[] =>
  names.filter((name) => {
    const path = join(target, name);
    if (!existsSync(join(source, name)) || existsSync(path)) return false;
    copyFileSync(join(source, name), path, constants.COPYFILE_EXCL);
    makePrivateAndSync(path);
    return true;
  });
