import { copyFileSync, existsSync } from 'node:fs';
import { firstValueFrom, switchMap } from 'rxjs';
import { dataFile, initDirectory, versionFile } from '../layout/directory.js';
import { HistoryError } from '../layout/errors.js';
import { createStagedStore } from '../layout/stagedStore.js';
import { acquireLock } from '../store/lock.js';
import { type Backup, copyFiles, findStore } from './backup.js';
import { checkHistory } from './check.js';

/**
 * Copies a backup to a directory without a store, and verifies the copy. Logs keep their ids: a client that has read
 * more than the backup has notices it by the hash of the last entry that it has read.
 *
 * Rejects with `HistoryError`: `in-use` if a relay uses the directory, `damaged`, `unwritable` if there is a store.
 *
 * @param files names of other files of the backup, which are copied unless the directory has them.
 */
export const restoreHistory = async (
  backup: string,
  dir: string,
  files: readonly string[] = [],
): Promise<Backup> => {
  const source = findStore(backup);
  checkHistory(source);
  const target = initDirectory(dir);
  return firstValueFrom(
    acquireLock(target).pipe(
      switchMap(async () => {
        rejectStore(target);
        return createStagedStore(target, (staging) => {
          copyFileSync(dataFile(source), dataFile(staging));
          return { ...checkHistory(staging), files: copyFiles(source, target, files) };
        });
      }),
    ),
  );
};

/** Throws `HistoryError` if a directory has a store, or what is left of it. */
const rejectStore = (dir: string): void => {
  if (!existsSync(dataFile(dir)) && !existsSync(versionFile(dir))) return;
  throw new HistoryError('unwritable', `there is a history in ${dir} already`, {
    hint: `move it away: mv ${dir} ${dir}.old`,
  });
};
