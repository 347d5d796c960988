import { defer, from, ignoreElements, tap } from 'rxjs';
import { backupHistory } from '../../../history/index.js';
import { OWN_CERTIFICATE_FILE } from '../../../net/tls/certificate.js';
import { writeOut } from '../../../terminal/write.js';
import { safe } from '../../../text/sanitize.js';
import type { Run } from '../../args/command.js';
import { usageError } from '../../process/exit.js';
import { historyDirFromFlags } from '../serve/relayOptions.js';
import { formatBackup } from './formatContents.js';

/** `rxchat backup`: copies the store of a relay, which may be running, and prints a line once the copy is verified. */
export const backup: Run = ({ input: [target], flags }) =>
  defer(() => {
    if (target === undefined) throw usageError('no directory for the backup given');
    return from(backupHistory(historyDirFromFlags(flags), target, [OWN_CERTIFICATE_FILE])).pipe(
      tap((contents) => {
        writeOut(safe`${target} is a complete backup: ${formatBackup(contents)}`);
      }),
      ignoreElements(),
    );
  });
