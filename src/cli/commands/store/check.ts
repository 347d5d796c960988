import { defer, from, type Observable, of, switchMap } from 'rxjs';
import { checkHistory } from '../../../history/index.js';
import type { Run } from '../../args/command.js';
import { flagName, type Flags, stringFlag } from '../../args/flags.js';
import { Exit, usageError } from '../../process/exit.js';
import { safe, safeJson } from '../../../text/sanitize.js';
import { writeOut } from '../../../terminal/write.js';
import { historyDirFromFlags } from '../serve/relayOptions.js';
import { formatContents } from './formatContents.js';

/** `rxchat check`: reads a whole store and prints whether it is intact. */
export const check: Run = ({ flags }) =>
  defer(() => {
    const store = stringFlag(flags, 'store');
    const target = stringFlag(flags, 'salvage');
    if (store !== undefined && target !== undefined) throw usageError('--salvage has no effect with --store');
    if (store === undefined && target === undefined) return checkOwnStore(flags);
    if (store !== undefined && flags['data'] !== undefined)
      throw usageError('--data has no effect with --store');
    if (store !== undefined)
      return from(import('./checkStore.js')).pipe(
        switchMap(({ checkSharedStore }) => checkSharedStore(flags, store)),
      );
    rejectStoreFlags(flags);
    return from(import('./salvage.js')).pipe(switchMap(({ salvage }) => salvage(flags, target ?? '')));
  });

const rejectStoreFlags = (flags: Flags): void => {
  for (const flag of ['storeCreds', 'storeCa', 'storeKeyFile', 'storeTimeout'])
    if (flags[flag] !== undefined) throw usageError(`${flagName(flag)} needs --store`);
};

const checkOwnStore = (flags: Flags): Observable<number> => {
  rejectStoreFlags(flags);
  const dir = historyDirFromFlags(flags);
  const contents = checkHistory(dir);
  if (flags['json'] === true) writeOut(safeJson({ v: 1, type: 'result', intact: true, ...contents }));
  else writeOut(safe`${dir} is intact: ${formatContents(contents)}`);
  return of(Exit.ok);
};
