import { statSync } from 'node:fs';
import { type Ancestor, MAX_ANCESTORS } from '../../../streams/wire/fields.js';
import { STORE_VERSION } from '../layout/directory.js';
import type { RoomState, StoreHead } from '../layout/records.js';
import type { Store } from './store.js';

/*
 * A store has incarnations: a copy, or a store that was restored from a backup, begins another one. In it each log
 * continues under another id, since the positions of the former id may mean other entries elsewhere.
 */

/**
 * Identifies a file as long as it is renamed only: its inode number and, if the file system has one, its time of creation,
 * which tells a new file from a former one with the same number. Throws system errors.
 */
export const fileIdentity = (path: string): string => {
  const { ino, birthtimeNs, ctimeNs } = statSync(path, { bigint: true });
  // Without a time of creation, some systems report that of the last change.
  const isKnown = birthtimeNs !== 0n && birthtimeNs !== ctimeNs;
  return isKnown ? `${ino} ${birthtimeNs}` : `${ino}`;
};

/** Returns whether a file is another one than the recorded one. A missing time of creation is compared with none. */
export const isOtherFile = (recorded: string, file: string): boolean => {
  const [[ino, birth], [fileIno, fileBirth]] = [recorded.split(' '), file.split(' ')];
  return ino !== fileIno || (birth !== undefined && fileBirth !== undefined && birth !== fileBirth);
};

/** Records which file a store is in, and begins another incarnation if it is a copy. Returns whether it is one. */
export const recordFile = (store: Store, file: string): boolean => {
  const head = store.head();
  const { incarnation, file: recorded } = head;
  const isCopy = recorded !== undefined && isOtherFile(recorded, file);
  // A time of creation is recorded once it is known, and then stays.
  if (isCopy) putHead(store, { ...head, version: STORE_VERSION, incarnation: incarnation + 1, file });
  else if (recorded === undefined || file.startsWith(`${recorded} `)) putHead(store, { ...head, file });
  return isCopy;
};

/** Begins another incarnation, at least the one after `former`, in a file that is not recorded yet. */
export const beginIncarnation = (store: Store, former = 0): void => {
  const head = store.head();
  const incarnation = Math.max(head.incarnation, former) + 1;
  putHead(store, { ...head, version: STORE_VERSION, incarnation, file: undefined });
};

const putHead = (store: Store, head: StoreHead): void => {
  store.write(() => {
    store.putHead(head);
  });
};

/** Returns the state of a room in an incarnation: under another id, which `newId` returns, if the state is of a former one. */
export const continueRoom = (state: RoomState, incarnation: number, newId: () => string): RoomState => {
  if ((state.incarnation ?? 0) === incarnation) return state;
  const former: Ancestor = { log: state.id, n: state.next - 1 };
  const ancestors = [former, ...(state.ancestors ?? [])].slice(0, MAX_ANCESTORS);
  return { ...state, id: newId(), incarnation, ancestors };
};

/**
 * Returns the stored state of a room under the id of its open log, which is stored with the first batch of that log.
 * Returns `undefined` if it is the state of another log.
 */
export const asOpened = (
  stored: RoomState,
  { id, incarnation, ancestors }: RoomState,
): RoomState | undefined => {
  if (stored.id === id) return stored;
  if ((stored.incarnation ?? 0) === (incarnation ?? 0) || ancestors?.[0]?.log !== stored.id) return undefined;
  return { ...stored, id, ancestors, ...(incarnation !== undefined && { incarnation }) };
};
