import { catchError, defer, map, type Observable, switchMap, throwError } from 'rxjs';
import { SLOT_COUNT } from '../../streams/client/group/frame.js';
import { makeDirectory } from '../files/writeFile.js';
import { toIdentityError } from '../identity/privateFile.js';
import { SlotsInUseError } from './errors.js';
import { checkGroup } from './stateFile.js';
import { isInUse, lockRooms, toLockError } from './lockedSection.js';

export interface SlotOptions {
  /** The directory of state files. */
  readonly dir: string;
  /** SHA-256 of the group id in base64url, as in the invite. */
  readonly group: string;
  /** Whether no other process of the device may be in the room, since a read message must stay forgotten. */
  readonly alone?: boolean;
}

/**
 * Claims one of the four slots that a device has in a group room: emits its number, 0 to 3, and holds it until
 * unsubscribed. No two processes of a device have the same slot at a time, so no two use the same message key.
 *
 * Each slot is a lock that the kernel releases however the process ends. `alone` claims all four and emits 0. Errors
 * with `SlotsInUseError` if none is free, and with `IdentityError` if the directory cannot be locked.
 */
export const claimSlot = ({ dir, group, alone = false }: SlotOptions): Observable<number> =>
  defer(() => {
    checkGroup(group);
    try {
      makeDirectory(dir);
    } catch (error) {
      throw toIdentityError(error, 'unwritable', `cannot create ${dir}`);
    }
    const lockSlot = (slot: number): Observable<number> =>
      lockRooms(dir, `${group}.${slot}.sock`).pipe(map(() => slot));
    return alone ? claimAll(lockSlot) : claimFirst(lockSlot, SLOTS);
  }).pipe(catchError((error: unknown) => throwError(() => toLockError(error, dir))));

const SLOTS: readonly number[] = Array.from({ length: SLOT_COUNT }, (_, slot) => slot);

type LockSlot = (slot: number) => Observable<number>;

const claimFirst = (lockSlot: LockSlot, [slot, ...others]: readonly number[]): Observable<number> =>
  slot === undefined
    ? throwError(
        () =>
          new SlotsInUseError(
            `${SLOT_COUNT} processes of this device are in the room, or one that allows no other`,
          ),
      )
    : lockSlot(slot).pipe(
        catchError((error: unknown) =>
          isInUse(error) ? claimFirst(lockSlot, others) : throwError(() => error),
        ),
      );

const claimAll = (lockSlot: LockSlot): Observable<number> =>
  SLOTS.slice(1)
    .reduce((locked$, slot) => locked$.pipe(switchMap(() => lockSlot(slot))), lockSlot(0))
    .pipe(
      map(() => 0),
      catchError((error: unknown) =>
        throwError(() =>
          isInUse(error)
            ? new SlotsInUseError(
                'another process of this device is in the room, and this one allows no other',
              )
            : error,
        ),
      ),
    );
