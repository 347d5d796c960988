import { defer, EMPTY, filter, finalize, map, merge, type Observable, take } from 'rxjs';
import type { RoomNotRemoved, RoomRemoved } from '../../../../../streams/relay/index.js';
import { fromBase64url } from '../../../../../streams/wire/index.js';
import type { AdminRequest, AdminResult } from '../../../../admin/protocol.js';
import type { StoreKind } from '../../../../admin/status.js';

export interface DeleteRoomOptions {
  readonly store: StoreKind;
  /** Whether the relay serves rooms. */
  readonly isServing: () => boolean;
  /** Asks the relay to remove a room. */
  readonly removeRoom: (room: string) => void;
  /** The result of each request. */
  readonly removal$: Observable<RoomRemoved | RoomNotRemoved>;
}

/** Returns the action that deletes a room. It throws an `Error` for people. */
export const deleteRoomAction = ({
  store,
  isServing,
  removeRoom,
  removal$,
}: DeleteRoomOptions): ((request: Pick<AdminRequest, 'target'>) => Observable<AdminResult>) => {
  const deleting = new Set<string>();
  return ({ target = '' }) => {
    if (fromBase64url(target)?.length !== 32)
      throw new Error('delete-room needs the public name of a room, 43 characters, as rooms lists it');
    if (store === 'shared')
      throw new Error(
        'relays that share a store cannot delete what is in it: ban the room at each relay, and its entries expire with --keep',
      );
    if (!isServing()) throw new Error('the relay does not serve rooms at the moment');
    if (deleting.has(target)) throw new Error('this room is being deleted already');
    deleting.add(target);
    return merge(
      removal$.pipe(filter(({ room }) => room === target)),
      defer(() => {
        removeRoom(target);
        return EMPTY;
      }),
    ).pipe(
      take(1),
      map((removal) => {
        if (removal.type === 'room-not-removed') throw new Error(removal.reason);
        const { entries, bytes, connections } = removal;
        return { target, entries, bytes, disconnected: connections };
      }),
      finalize(() => deleting.delete(target)),
    );
  };
};
