import { catchError, ignoreElements, type Observable, retry, take, tap, throwError, timer } from 'rxjs';
import { HistoryError } from '../history/layout/errors.js';
import { acquireLock } from '../history/store/lock.js';
import { IdentityError } from '../identity/privateFile.js';

/** How often, and after how many ms each time, to try again while another process holds the lock. */
const MAX_RETRIES = 1000;
const RETRY_MS = 10;

/** Locks a directory of group rooms, as `acquireLock` does. */
export const lockRooms = (dir: string, socket: string): Observable<void> =>
  acquireLock(dir, socket, 'the group rooms');

/** Whether another process, or another place in this one, holds the lock. */
export const isInUse = (error: unknown): boolean => error instanceof HistoryError && error.code === 'in-use';

/** Converts an error of `lockRooms` into one about a key file. */
export const toLockError = (error: unknown, dir: string): unknown => {
  if (isInUse(error))
    return new IdentityError('unwritable', `another rxchat keeps the group rooms in ${dir} locked`);
  return error instanceof HistoryError
    ? new IdentityError('unwritable', error.message, 'set RXCHAT_HOME to a directory that you own')
    : error;
};

/**
 * Calls a function while this process holds the lock of a directory, and completes. Waits up to 10 s for another
 * process. Errors with `IdentityError` (`unwritable`) if the directory cannot be locked, or with the error of the
 * function.
 *
 * The function is synchronous, so that no other code of this process runs while the lock is held.
 */
export const whileLocked = (dir: string, socket: string, call: () => void): Observable<never> =>
  lockRooms(dir, socket).pipe(
    retry({
      count: MAX_RETRIES,
      delay: (error: unknown) => (isInUse(error) ? timer(RETRY_MS) : throwError(() => error)),
    }),
    catchError((error: unknown) => throwError(() => toLockError(error, dir))),
    take(1),
    tap(call),
    ignoreElements(),
  );
