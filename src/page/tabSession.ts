import {
  catchError,
  distinctUntilChanged,
  filter,
  fromEvent,
  map,
  merge,
  NEVER,
  Observable,
  of,
  switchMap,
  takeUntil,
  tap,
} from 'rxjs';
import type { Act, QueuedMessage } from '../../streams/client/index.js';
import { toBase64url } from '../../streams/wire/index.js';
import { randomBytes } from '../crypto/random.js';
import { loadForTab, parseStored, saveForTab } from './storage.js';

/** Default of `releaseMs`: a tab without its session starts another one. */
const RELEASE_MS = 500;

/**
 * How long to wait for answers of other tabs, in ms. Used in browsers without locks and without a secure
 * context.
 */
const ANSWER_MS = 300;

const CHANNEL = 'rxchat.claims';

type AcquireLock = (name: string) => Observable<boolean>;

const acquireByLockManager =
  (locks: LockManager, releaseMs: number): AcquireLock =>
  (name) =>
    new Observable((subscriber) => {
      const controller = new AbortController();
      const timeout = setTimeout(() => {
        controller.abort();
      }, releaseMs);
      let release = (): void => undefined;
      locks
        .request(name, { signal: controller.signal }, () => {
          clearTimeout(timeout);
          subscriber.next(true);
          return subscriber.closed ? undefined : new Promise<void>((resolve) => (release = resolve));
        })
        .catch(() => {
          subscriber.next(false);
        });
      return () => {
        clearTimeout(timeout);
        controller.abort();
        release();
      };
    });

/**
 * A message between tabs that request a lock, each with a random id. Of tabs that request it at the same
 * moment, the smallest id wins.
 */
interface LockMessage {
  readonly name: string;
  readonly by: string;
}

/** Set in the message of a tab that holds the lock. */
const LOCK_TAKEN = 'isHeld';

const acquireByChannel: AcquireLock = (name) =>
  new Observable((subscriber) => {
    const channel = new BroadcastChannel(CHANNEL);
    const by = toBase64url(randomBytes(16));
    let isAcquired = false;
    const timeout = setTimeout(() => {
      isAcquired = true;
      subscriber.next(true);
    }, ANSWER_MS);
    const giveUp = () => {
      clearTimeout(timeout);
      channel.close();
      subscriber.next(false);
    };
    channel.addEventListener(
      'message',
      ({ data }: MessageEvent<LockMessage & Partial<Record<typeof LOCK_TAKEN, boolean>>>) => {
        if (data.name !== name || data.by === by) return;
        const isTaken = data[LOCK_TAKEN] === true;
        if (isAcquired && !isTaken) channel.postMessage({ name, by, [LOCK_TAKEN]: true });
        else if (!isAcquired && (isTaken || data.by < by)) giveUp();
        else if (!isAcquired) channel.postMessage({ name, by });
      },
    );
    channel.postMessage({ name, by });
    return () => {
      clearTimeout(timeout);
      channel.close();
    };
  });

/**
 * Locks a name for this tab against all other tabs of the browser, and emits whether it succeeded.
 *
 * Holds the lock until it is unsubscribed or the page is left. A page restored from the back/forward cache
 * requests it again and emits again.
 *
 * @param releaseMs how long to wait for the lock of the previous document after a reload, in ms.
 */
export const acquireTabLock = (name: string, releaseMs: number = RELEASE_MS): Observable<boolean> => {
  const { locks } = navigator as { readonly locks?: LockManager };
  const acquire = locks === undefined ? acquireByChannel : acquireByLockManager(locks, releaseMs);
  const isBack$ = fromEvent<PageTransitionEvent>(window, 'pageshow').pipe(
    filter(({ persisted }) => persisted),
  );
  return merge(of(undefined), isBack$).pipe(
    switchMap(() => acquire(name).pipe(takeUntil(fromEvent(window, 'pagehide')))),
  );
};

/** State that a tab needs to resume after a reload. The relay recognizes its session. */
export interface TabSession {
  readonly room: string;
  readonly session: string;
  readonly pending: readonly {
    readonly lines: readonly string[];
    readonly act?: Act | undefined;
    readonly token: string;
    readonly bytes: number;
    readonly content?: QueuedMessage['content'];
  }[];
}

/** Name of the pending messages in the storage. */
const STORED_PENDING = 'said';

type StoredTabSession = Omit<TabSession, 'pending'> & Record<typeof STORED_PENDING, TabSession['pending']>;

const isTabSession = (value: unknown): value is StoredTabSession =>
  typeof value === 'object' &&
  value !== null &&
  'room' in value &&
  'session' in value &&
  typeof value.session === 'string' &&
  STORED_PENDING in value &&
  Array.isArray(value[STORED_PENDING]);

/** Loads the session of this tab for a room, if the page was reloaded. */
export const loadTabSession = (room: string): TabSession | undefined => {
  const [entry] = performance.getEntriesByType('navigation');
  const isReload = entry instanceof PerformanceNavigationTiming && entry.type !== 'navigate';
  const stored = isReload ? parseStored(loadForTab('stay'), isTabSession) : undefined;
  if (stored?.room !== room) return undefined;
  const { session, [STORED_PENDING]: pending } = stored;
  return { room, session, pending };
};

export const saveTabSession = ({ room, session, pending }: TabSession): void => {
  saveForTab('stay', JSON.stringify({ room, session, [STORED_PENDING]: pending }));
};

const SESSION_BYTES = 16;

/** Another tab holds the session. */
const TAKEN_ERROR = new Error('taken');

/** Locks the session and emits it once. Errors if another tab holds it. */
const holdTabSession = (tabSession: TabSession): Observable<TabSession> =>
  acquireTabLock(`rxchat.session.${tabSession.session}`).pipe(
    tap((isAcquired) => {
      if (!isAcquired) throw TAKEN_ERROR;
    }),
    map(() => tabSession),
    distinctUntilChanged(),
  );

/**
 * Emits a session that no other tab of this browser has, and holds it.
 *
 * A duplicated tab has a copy of the storage. One tab continues with the session and its pending messages; the
 * other one starts a new session.
 */
export const openTabSession = (room: string): Observable<TabSession> => {
  const createTabSession = (): TabSession => ({
    room,
    session: toBase64url(randomBytes(SESSION_BYTES)),
    pending: [],
  });
  const stored = loadTabSession(room);
  if (stored === undefined) return holdTabSession(createTabSession());
  let isOpen = false;
  return holdTabSession(stored).pipe(
    tap(() => (isOpen = true)),
    catchError(() => {
      // Another tab took the session over while this page was left, so this page starts again.
      if (isOpen) window.location.reload();
      return isOpen ? NEVER : holdTabSession(createTabSession());
    }),
  );
};
