import { catchError, concatMap, defer, NEVER, type Observable, of, switchMap } from 'rxjs';
import type { GroupRoom } from './groupRoom.js';

/** Loads the code of group rooms, and opens the store of the group. */
export const loadGroupRoom = (group: string): Observable<GroupRoom> =>
  defer(() => import('./groupRoom.js')).pipe(
    catchError(() => {
      throw new Error('the relay has another version of this page now; reload the page');
    }),
    switchMap(({ openGroupRoom }) => openGroupRoom(group)),
    concatMap((groupRoom, index) => {
      if (index === 0) return of(groupRoom);
      // Another tab may have had the room while this page was left, so this page starts again.
      window.location.reload();
      return NEVER;
    }),
  );
