import {
  catchError,
  combineLatest,
  defer,
  EMPTY,
  ignoreElements,
  map,
  type Observable,
  of,
  switchMap,
  tap,
} from 'rxjs';
import { randomBytes, randomText } from '../crypto/random.js';
import { SEED_BYTES } from '../crypto/roomKeys.js';
import { type Database, onResult, openDatabase } from './database.js';
import { openDeviceSeed } from './deviceSeed.js';
import { openStateCipher, type StateCipher } from './stateCipher.js';
import { acquireTabLock } from './tabSession.js';

/** What the browser has stored. After `damaged` the device joins the group again, in its own place. */
export type LoadedState =
  | { readonly kind: 'loaded'; readonly state: Uint8Array }
  | { readonly kind: 'missing' }
  | { readonly kind: 'damaged' };

/** The state of one group room in this browser, encrypted. */
export interface GroupStore {
  /** The seed of this browser's device key pair. It is the same in all group rooms. */
  readonly deviceSeed: Uint8Array;
  readonly loaded: LoadedState;
  /** Whether a reload finds the device and its states. False if the browser stores nothing. */
  readonly isPersistent: boolean;
  /**
   * Replaces the state, and completes once it is on disk. Call it again only after it has completed.
   *
   * Errors with `StateError` if the state was not stored.
   */
  readonly save: (state: Uint8Array) => Observable<never>;
  /** Deletes the state, and completes once it is no longer on disk. The device stays. */
  readonly clear: () => Observable<never>;
}

/** The state of a group room cannot be stored by this tab. */
export class StateError extends Error {
  override readonly name = 'StateError';
}

/** The maximum size of a state in bytes, as in the state files of the commands. */
export const MAX_STATE_BYTES = 4_194_304;

const WRITER_BYTES = 16;

/** A busy browser can take a second to end the previous document, and without the lock the tab cannot continue. */
const RELEASE_MS = 3000;

/**
 * Opens the store of a group for this tab alone, and emits it. It stays open until it is unsubscribed.
 *
 * Errors with `StateError` if another tab has the room open. A page restored from the back/forward cache emits a store
 * with the state as it is then. If the browser stores nothing, the store is in memory.
 *
 * @param group the SHA-256 of the group id, in base64url.
 */
export const openGroupStore = (group: string): Observable<GroupStore> =>
  acquireTabLock(`rxchat.group.${group}`, RELEASE_MS).pipe(
    tap((isAcquired) => {
      if (!isAcquired) throw new StateError('this room is open in another tab of this browser; use that tab');
    }),
    switchMap(() => openStoredGroup(group).pipe(catchError(() => of(createMemoryStore())))),
  );

/** Opens the store in the database. Another tab that opens it later ends its writes. */
const openStoredGroup = (group: string): Observable<GroupStore> =>
  openDatabase().pipe(
    switchMap((database) =>
      openStateCipher(database).pipe(
        switchMap((cipher) => {
          const writer = randomText(WRITER_BYTES);
          return combineLatest({
            deviceSeed: openDeviceSeed(database, cipher),
            loaded: loadState(database, cipher, group, writer),
          }).pipe(
            map(({ deviceSeed, loaded }) => ({
              deviceSeed,
              loaded,
              isPersistent: true,
              save: (state: Uint8Array) => saveState(database, cipher, { group, writer, state }),
              clear: () => clearState(database, group),
            })),
          );
        }),
      ),
    ),
  );

const createMemoryStore = (): GroupStore => ({
  deviceSeed: randomBytes(SEED_BYTES),
  loaded: { kind: 'missing' },
  isPersistent: false,
  save: () => EMPTY,
  clear: () => EMPTY,
});

/** Loads the state, and becomes its only writer. */
const loadState = (
  { transact }: Database,
  cipher: StateCipher,
  group: string,
  writer: string,
): Observable<LoadedState> =>
  transact<unknown>(({ states, writers }, resolve) => {
    writers.put(writer, group);
    onResult(states.get(group), resolve);
  }).pipe(
    switchMap((value) =>
      value === undefined
        ? of<LoadedState>({ kind: 'missing' })
        : cipher
            .open(group, value)
            .pipe(
              map((state): LoadedState =>
                state === undefined ? { kind: 'damaged' } : { kind: 'loaded', state },
              ),
            ),
    ),
  );

/**
 * Saves the state if this tab is still its writer.
 *
 * A lock does not suffice: without a secure context, a suspended tab does not answer other tabs and loses it.
 */
const saveState = (
  { transact }: Database,
  cipher: StateCipher,
  { group, writer, state }: { readonly group: string; readonly writer: string; readonly state: Uint8Array },
): Observable<never> =>
  defer(() => {
    if (state.length > MAX_STATE_BYTES)
      throw new StateError(
        `the state of this room has ${state.length} bytes, and the limit is ${MAX_STATE_BYTES}`,
      );
    return cipher.seal(group, state);
  }).pipe(
    switchMap((value) =>
      transact<boolean>(({ states, writers }, resolve) => {
        onResult(writers.get(group), (current: unknown) => {
          if (current === writer) states.put(value, group);
          resolve(current === writer);
        });
      }),
    ),
    tap((isWriter) => {
      if (!isWriter)
        throw new StateError('this room was opened in another tab of this browser; use that tab');
    }),
    ignoreElements(),
    catchError((error: unknown) => {
      throw error instanceof StateError
        ? error
        : new StateError('this browser could not store the state of the room; free disk space and reload');
    }),
  );

/** Deletes the state. This tab is no writer afterwards, so a save that has begun cannot bring the state back. */
const clearState = ({ transact }: Database, group: string): Observable<never> =>
  transact<never>(({ states, writers }) => {
    states.delete(group);
    writers.delete(group);
  });
