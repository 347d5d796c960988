/** The part of the page that only group rooms need. The page loads it with the link of a group room. */
import {
  concat,
  concatWith,
  defer,
  EMPTY,
  map,
  type MonoTypeOperatorFunction,
  type Observable,
  takeWhile,
  tap,
  throwError,
} from 'rxjs';
import type { ClientEvent, GroupRequest } from '../../streams/client/index.js';
import { createDevice } from '../../streams/client/group/credential.js';
import { nobleSuite } from '../browser/nobleSuite.js';
import { type GroupStore, openGroupStore } from './groupStore.js';
import { createJoinRoomWith } from '../platform/createJoinRoomWith.js';
import { joinGroupRoom } from '../platform/joinGroupRoom.js';
import { createGroupView, type GroupView, type GroupViewOptions } from './groupView.js';
import type { CreateJoin } from './roomConnection.js';

/** A group room that this tab has opened. */
export interface GroupRoom {
  /** What the user should know about the stored state, or `undefined` if a reload finds it. */
  readonly storeProblem: string | undefined;
  readonly createView: (options: GroupViewOptions) => GroupView;
  /** Creates the function that joins the room. It continues from the state that was saved last. */
  readonly createJoin: (request$: Observable<GroupRequest>) => CreateJoin;
}

/** Opens the store of a group, and emits the room. Errors as `openGroupStore`. */
export const openGroupRoom = (group: string): Observable<GroupRoom> =>
  openGroupStore(group).pipe(
    map((store) => ({
      storeProblem: storeProblemOf(store),
      createView: createGroupView,
      createJoin: (request$) => createJoinGroup(store, request$),
    })),
  );

const storeProblemOf = ({ loaded, isPersistent }: GroupStore): string | undefined => {
  if (!isPersistent)
    return 'this browser stores nothing here: after a reload, this tab joins as another device';
  return loaded.kind === 'damaged'
    ? 'the stored state was damaged; this browser joins again in its own place'
    : undefined;
};

/** The label of this device, which the members see. */
const DEVICE_LABEL = 'browser';

const createJoinGroup = (store: GroupStore, request$: Observable<GroupRequest>): CreateJoin => {
  let saved = store.loaded.kind === 'loaded' ? store.loaded.state : undefined;
  const save = (state: Uint8Array): Observable<never> =>
    store.save(state).pipe(
      tap({
        complete: () => {
          saved = state;
        },
      }),
    );
  return (platform) => {
    const suite = nobleSuite();
    const joinRoom = createJoinRoomWith(joinGroupRoom)({ ...platform, suite: () => suite });
    return (invite, options) => {
      const { identity = platform.createIdentity() } = options;
      const join = joinRoom(invite, {
        ...options,
        identity,
        group: {
          device: createDevice(suite.ed25519.signingKey(store.deviceSeed), identity, DEVICE_LABEL),
          snapshot: saved,
          save,
          request$,
          role: { type: 'member' },
        },
      });
      return (message$) => message$.pipe(join, endAfterLeaving(store));
    };
  };
};

const hasLeft = (event: ClientEvent): boolean =>
  event.type === 'request-done' && event.request.type === 'leave';

/** Deletes the state and errors once this device has left, so that the same link joins again as a newcomer. */
const endAfterLeaving =
  ({ clear }: GroupStore): MonoTypeOperatorFunction<ClientEvent> =>
  (event$) =>
    defer(() => {
      let isEnd = false;
      return event$.pipe(
        tap((event) => (isEnd = hasLeft(event))),
        takeWhile((event) => !hasLeft(event), true),
        concatWith(
          defer(() =>
            isEnd
              ? concat(
                  clear(),
                  throwError(() => new Error('you left the group')),
                )
              : EMPTY,
          ),
        ),
      );
    });
