import { BehaviorSubject, map, merge, type Observable, share, switchMap, tap } from 'rxjs';
import {
  type ClientEvent,
  type Identity,
  type QueuedMessage,
  type OutgoingMessage,
  type Token,
} from '../../streams/client/index.js';
import { bufferUntilSubscribed } from '../../streams/rx/bufferUntilSubscribed.js';
import { type Connection, type Resume, toBase64url } from '../../streams/wire/index.js';
import { type KeyRoomPlatform, keyRoomPlatform } from '../browser/keyRoomPlatform.js';
import { sha256 } from '../browser/nobleKeys.js';
import type { Invite } from '../invite/invite.js';
import { createJoinRoomWith } from '../platform/createJoinRoomWith.js';
import { joinKeyRoom } from '../platform/joinKeyRoom.js';
import { lruMap } from '../../streams/rx/lruMap.js';
import type { TabSession } from './tabSession.js';

/**
 * Number of entries loaded first, and by the first request for older ones. Each further request doubles the
 * number.
 */
const INITIAL_ENTRIES = 200;
const FIRST_OLDER_ENTRIES = 400;

/** Maximum number of messages without a receipt. */
const MAX_PENDING = 500;

/** Creates a function that joins rooms, for a platform. */
export type CreateJoin = (platform: KeyRoomPlatform) => ReturnType<ReturnType<typeof createJoinRoomWith>>;

/** Joins rooms with one key. The page loads the primitives of group rooms only for a group room. */
const createJoinKeyRoom: CreateJoin = (platform) =>
  createJoinRoomWith(joinKeyRoom)({
    ...platform,
    suite: () => {
      throw new TypeError('a room with one key needs no primitives of groups');
    },
  });

export interface RoomConnectionOptions {
  /** Default: rooms with one key. */
  readonly createJoin?: CreateJoin | undefined;
  readonly invite: Invite;
  readonly room: string;
  readonly nick: string;
  readonly identity: Identity;
  readonly known: () => ReadonlyMap<string, string>;
  readonly tabSession: TabSession;
  readonly save: (tabSession: TabSession) => void;
  /** Emits to retry a connection immediately. */
  readonly retry$: Observable<unknown>;
}

/** A connection to a room that can load older entries. */
export interface RoomConnection {
  /**
   * Events of the room. After `loadOlder` all entries are repeated from an earlier position on; the position
   * identifies an entry.
   */
  readonly event$: Observable<ClientEvent>;
  /** Sends all messages, or returns `false` without sending any if too many are pending. */
  readonly send: (messages: readonly OutgoingMessage[]) => boolean;
  /** Emits when a lost connection is retried immediately. */
  readonly retry$: Observable<unknown>;
  /** Loads older entries, and returns `false` if all are loaded. */
  readonly loadOlder: () => boolean;
}

/** Maximum number of cached signatures. */
const MAX_CACHED_SIGNATURES = 50_000;

/** Caches valid signatures by a hash of the signed data, since loading older entries verifies all of them again. */
const cachedVerify = () => {
  const verified = lruMap<string, true>(MAX_CACHED_SIGNATURES);
  const { verify } = keyRoomPlatform;
  return (key: string, message: Uint8Array, signature: string): boolean => {
    const name = `${key}${signature}${toBase64url(sha256(message))}`;
    if (verified.get(name) === true) return true;
    const isValid = verify(key, message, signature);
    if (isValid) verified.set(name, true);
    return isValid;
  };
};

/**
 * Connects to a room.
 *
 * A relay sends the log from one position on per connection. To load older entries, the page reconnects with
 * the same session and without `BYE`, so that other members see nothing. Pending messages are carried over.
 */
export const openRoomConnection = ({
  createJoin = createJoinKeyRoom,
  invite,
  room: name,
  nick,
  identity,
  known,
  tabSession,
  save,
  retry$,
}: RoomConnectionOptions): RoomConnection => {
  const { session } = tabSession;
  const { push, value$ } = bufferUntilSubscribed<OutgoingMessage>();
  const start$ = new BehaviorSubject<{ readonly after: Resume } | { readonly last: number }>({
    last: INITIAL_ENTRIES,
  });
  /** By the lines, which are the same object until the receipt. A token changes with the keys of a group. */
  const pending = new Map<readonly string[], QueuedMessage>(
    tabSession.pending.map((message) => [
      message.lines,
      { ...message, type: 'queued', token: message.token as Token },
    ]),
  );
  const resume$ = merge(keyRoomPlatform.resume$, retry$).pipe(share());
  const room = createJoin({ ...keyRoomPlatform, resume$, verify: cachedVerify() });
  let unqueued = 0;
  let isReconnecting = false;
  let isLoadingOlder = false;
  let olderEntries = FIRST_OLDER_ENTRIES;
  let readRange:
    | { readonly log: string; readonly from: number; readonly first: number; readonly next: number }
    | undefined;

  const saveSession = () => {
    const messages = [...pending.values()].map(({ lines, act, token, bytes, content }) => ({
      lines,
      act,
      token,
      bytes,
      content,
    }));
    save({ room: name, session, pending: messages });
  };
  saveSession();

  const muteWhileReconnecting = (connection: Connection): Connection => ({
    ...connection,
    write: (bytes) => isReconnecting || connection.write(bytes),
  });

  const trackEvent = (event: ClientEvent) => {
    switch (event.type) {
      case 'queued':
        if (!pending.has(event.lines)) unqueued = Math.max(0, unqueued - 1);
        pending.set(event.lines, event);
        saveSession();
        break;
      case 'stored':
        pending.delete(event.lines);
        saveSession();
        break;
      case 'welcome':
        if (readRange?.log !== event.log || event.from < readRange.from) readRange = event;
        isLoadingOlder = false;
        break;
    }
  };

  return {
    event$: start$.pipe(
      switchMap((start) =>
        value$.pipe(
          room(invite, {
            nick,
            identity,
            known: known(),
            ...start,
            restored: { session, pending: [...pending.values()] },
            connect: (to) => {
              isReconnecting = false;
              return keyRoomPlatform.connect(to).pipe(map(muteWhileReconnecting));
            },
          }),
        ),
      ),
      tap(trackEvent),
    ),
    retry$: resume$,
    send: (messages) => {
      if (pending.size + unqueued + messages.length > MAX_PENDING) return false;
      unqueued += messages.length;
      messages.forEach(push);
      return true;
    },
    loadOlder: () => {
      if (readRange === undefined || isLoadingOlder || readRange.from <= readRange.first) return false;
      isLoadingOlder = true;
      isReconnecting = true;
      const n = Math.max(readRange.first, readRange.from - olderEntries) - 1;
      olderEntries *= 2;
      start$.next({ after: { log: readRange.log, n } });
      return true;
    },
  };
};
