import { map, type Observable, scan, startWith, takeLast, tap } from 'rxjs';
import { checkStore } from '../../../nats/checkStore.js';
import { formatDuration } from '../../../text/format.js';
import { safeJson } from '../../../text/sanitize.js';
import { writeOut } from '../../../terminal/write.js';
import type { Flags } from '../../args/flags.js';
import { Exit, printNote } from '../../process/exit.js';
import { storeAccessFromFlags } from '../../shared/storeAccess.js';
import { addFinding, describeDamage, describeResult, EMPTY_RESULT, isDamage } from './checkReport.js';

/** Checks the store that several relays share. Prints a line for each damaged room, and one for the result. */
export const checkSharedStore = (flags: Flags, store: string): Observable<number> => {
  const access = storeAccessFromFlags(flags, store);
  const isJson = flags['json'] === true;
  const finding$ = checkStore({
    ...access,
    onWaiting: (reason) => {
      printNote(`${reason}; trying for ${formatDuration(access.timeoutMs)}`);
    },
  });
  return finding$.pipe(
    tap((finding) => {
      if (isDamage(finding)) writeOut(isJson ? safeJson({ v: 1, ...finding }) : describeDamage(finding));
    }),
    scan(addFinding, EMPTY_RESULT),
    startWith(EMPTY_RESULT),
    takeLast(1),
    map((result) => {
      writeOut(isJson ? safeJson({ v: 1, ...result }) : describeResult(access.servers.join(', '), result));
      if (!result.intact) return Exit.unexpected;
      return result.uncompared.length > 0 ? Exit.network : Exit.ok;
    }),
  );
};
