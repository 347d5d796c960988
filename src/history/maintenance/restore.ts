import { chmodSync, copyFileSync, existsSync } from 'node:fs';
import { firstValueFrom, switchMap } from 'rxjs';
import { dataFile, initDirectory, inspectDirectory, versionFile } from '../layout/directory.js';
import { HistoryError } from '../layout/errors.js';
import { createStagedStore } from '../layout/stagedStore.js';
import { beginIncarnation } from '../store/incarnation.js';
import { acquireLock } from '../store/lock.js';
import { openStore } from '../store/openStore.js';
import { type Backup, copyFiles, findStore } from './backup.js';
import { checkHistory } from './check.js';

/**
 * Copies a backup to a directory without a store, and verifies the copy. The copy begins another incarnation: its logs
 * continue under other ids, since positions that a relay assigned after the backup must not come to mean other entries.
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
          chmodSync(dataFile(staging), 0o600);
          const version = continueStore(staging);
          const contents = checkHistory(staging);
          return { version, result: { ...contents, files: copyFiles(source, target, files) } };
        });
      }),
    ),
  );
};

/** Begins another incarnation of a store. Returns the version of its format. */
const continueStore = (dir: string): number => {
  const store = openStore(dir, inspectDirectory(dir), { durability: 'disk' });
  try {
    beginIncarnation(store);
    return store.head().version;
  } finally {
    store.close();
  }
};

/** Throws `HistoryError` if a directory has a store, or what is left of it. */
const rejectStore = (dir: string): void => {
  if (!existsSync(dataFile(dir)) && !existsSync(versionFile(dir))) return;
  throw new HistoryError('unwritable', `there is a history in ${dir} already`, {
    hint: `move it away: mv ${dir} ${dir}.old`,
  });
};
