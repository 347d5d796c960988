import { defer, from, ignoreElements, tap } from 'rxjs';
import { backupHistory } from '../../../history/index.js';
import { writeOut } from '../../../terminal/write.js';
import { safe } from '../../../text/sanitize.js';
import type { Run } from '../../args/command.js';
import { usageError } from '../../process/exit.js';
import { historyDirFromFlags } from '../serve/relayOptions.js';
import { BACKUP_FILES, formatBackup } from './formatContents.js';

/** `rxchat backup`: copies the store of a relay, which may be running, and prints a line once the copy is verified. */
export const backup: Run = ({ input: [target], flags }) =>
  defer(() => {
    if (target === undefined) throw usageError('no directory for the backup given');
    return from(backupHistory(historyDirFromFlags(flags), target, BACKUP_FILES)).pipe(
      tap((contents) => {
        writeOut(safe`${target} is a complete backup: ${formatBackup(contents)}`);
      }),
      ignoreElements(),
    );
  });
