import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  catchError,
  concat,
  defer,
  EMPTY,
  ignoreElements,
  map,
  NEVER,
  Observable,
  of,
  switchMap,
  take,
  tap,
  throwError,
} from 'rxjs';
import type { RecordCache } from '../../../streams/relay/cluster/ledger.js';
import { dataFile, initDirectory, inspectDirectory } from '../layout/directory.js';
import { describeError, HistoryError } from '../layout/errors.js';
import { readPages } from '../layout/pages.js';
import { acquireLock } from '../store/lock.js';
import { openStore } from '../store/openStore.js';
import type { Store } from '../store/store.js';
import { StoreRecordCache, type StoreRecordCacheOptions } from './recordCache.js';

/**
 * What happens to a cache: `dropped` if it was damaged and begins empty, `failed` if it cannot be used, or cannot store
 * anything now.
 */
export interface RecordCacheEvent {
  readonly type: 'dropped' | 'failed';
  readonly dir: string;
  readonly reason: string;
}

export interface RecordCacheOptions extends Omit<StoreRecordCacheOptions, 'onFailed'> {
  /** The directory of the caches of this machine. Each relay uses one of its own in it. */
  readonly dir: string;
  readonly onEvent: (event: RecordCacheEvent) => void;
}

const SOCKET = 'cache.sock';
const CONTENT = 'the cache';
/** Caches in a directory; as many relays can share it. */
const MAX_CACHES = 64;

/**
 * Opens a cache of records in the first directory of `1`, `2`, … that no other relay uses. Emits it once and holds it while
 * subscribed, or emits `undefined` if there cannot be one. Never errors.
 *
 * All of it is checked before lmdb opens it, since a damaged file would end the process. A damaged cache is deleted.
 */
export const openRecordCache = (options: RecordCacheOptions): Observable<RecordCache | undefined> =>
  lockDirectory(options.dir, 1).pipe(
    switchMap((dir) => concat(removeUnused(options, dir), holdCache(dir, options))),
    catchError((error: unknown) => {
      options.onEvent({ type: 'failed', dir: options.dir, reason: describeError(error) });
      return concat(of(undefined), NEVER);
    }),
  );

/** Emits the directory once it is locked, until unsubscribed. */
const lockDirectory = (parent: string, number: number): Observable<string> =>
  defer(() => {
    const dir = initDirectory(join(parent, String(number)));
    return acquireLock(dir, SOCKET, CONTENT).pipe(map(() => dir));
  }).pipe(
    catchError((error: unknown) =>
      error instanceof HistoryError && error.code === 'in-use' && number < MAX_CACHES
        ? lockDirectory(parent, number + 1)
        : throwError(() => error),
    ),
  );

const holdCache = (dir: string, options: RecordCacheOptions): Observable<RecordCache> =>
  new Observable((subscriber) => {
    const report = (type: RecordCacheEvent['type'], reason: string) => {
      options.onEvent({ type, dir, reason });
    };
    const onFailed = (reason: string) => {
      report('failed', reason);
    };
    const open = () => openCache(dir, { ...options, onFailed });
    let cache: StoreRecordCache;
    try {
      cache = open();
    } catch (error) {
      if (!(error instanceof HistoryError) || !['damaged', 'newer-version'].includes(error.code)) throw error;
      removeContent(dir);
      report('dropped', error.message);
      cache = open();
    }
    subscriber.next(cache);
    return () => {
      cache.close();
    };
  });

const openCache = (dir: string, options: StoreRecordCacheOptions): StoreRecordCache => {
  const found = inspectDirectory(dir);
  if (found.header !== undefined) {
    const pages = readPages(dataFile(dir), found.header, false);
    while (pages.next().done !== true);
  }
  let store: Store | undefined;
  try {
    // A cache needs not survive a crash of the machine. With a write map, lmdb ends the process at an eviction: 3.5.6, when a
    // transaction frees pages that it has changed, and no older ones are free ("mdb_freelist_save").
    store = openStore(dir, found, { durability: 'os', useWritemap: false });
    return new StoreRecordCache(store, options);
  } catch (error) {
    store?.close();
    throw error;
  }
};

/** Removes all files of a cache but the socket that locks it. Throws system errors. */
const removeContent = (dir: string): void => {
  for (const name of readdirSync(dir)) if (name !== SOCKET) rmSync(join(dir, name), { force: true });
};

/** Removes the caches that no relay has used for `maxAgeMs`: all their records have expired. Never errors. */
const removeUnused = (
  { dir: parent, maxAgeMs, now = Date.now }: RecordCacheOptions,
  own: string,
): Observable<never> =>
  defer(() => {
    const unused = readdirSync(parent)
      .filter((name) => /^\d+$/.test(name))
      .map((name) => join(parent, name))
      .filter((dir) => dir !== own && now() - modifiedAt(dataFile(dir)) > maxAgeMs);
    return concat(
      ...unused.map((dir) =>
        acquireLock(dir, SOCKET, CONTENT).pipe(
          take(1),
          tap(() => {
            removeContent(dir);
          }),
          ignoreElements(),
          catchError(() => EMPTY),
        ),
      ),
    );
  }).pipe(catchError(() => EMPTY));

const modifiedAt = (path: string): number => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Infinity;
