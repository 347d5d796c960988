import { defer, from, ignoreElements, tap } from 'rxjs';
import { restoreHistory } from '../../../history/index.js';
import { writeOut } from '../../../terminal/write.js';
import { safe } from '../../../text/sanitize.js';
import type { Run } from '../../args/command.js';
import { usageError } from '../../process/exit.js';
import { historyDirFromFlags } from '../serve/relayOptions.js';
import { BACKUP_FILES, formatBackup } from './formatContents.js';

/** `rxchat restore`: copies a backup to the directory of a relay, and prints a line once it is verified. */
export const restore: Run = ({ input: [backup], flags }) =>
  defer(() => {
    if (backup === undefined) throw usageError('no directory of a backup given');
    const dir = historyDirFromFlags(flags);
    return from(restoreHistory(backup, dir, BACKUP_FILES)).pipe(
      tap((contents) => {
        writeOut(safe`${dir} was restored: ${formatBackup(contents)}`);
      }),
      ignoreElements(),
    );
  });
