import { open as openLmdb, type RootDatabaseOptionsWithPath } from 'lmdb';
import { dataFile, type Found, mark, STORE_VERSION } from './directory.js';
import { damaged, HistoryError, historyError, newerVersion } from './errors.js';
import { ARCH_32_BIT } from './header.js';
import { VERSION_KEY } from './keys.js';
import { decodeVersion, encodeVersion } from './record.js';
import { readPages } from './pages.js';
import { type Lmdb, type Store, storeOf } from './store.js';

export interface StoreOptions {
  readonly durability: 'os' | 'disk';
  readonly readOnly?: boolean;
  /** How much of the address space to map, in bytes; it grows by itself where nothing is said. */
  readonly mapSize?: number | undefined;
}

/** As many bytes of free pages may be missing at the file's end; more than a transaction ever leaves. */
const MOST_MISSING = 64 * 1024 * 1024;

/** Opens lmdb's file as `find` found it; makes it where there was none. Throws `HistoryError`. */
export const openStore = (dir: string, found: Found, options: StoreOptions): Store => {
  const path = dataFile(dir);
  let store: Store | undefined;
  try {
    if (options.readOnly !== true) refuseShort(dir, path, found);
    // First without writing by way of the map, which would make the file longer by what has no place on the disk yet.
    const open = (more: Partial<LmdbOptions> = {}): Lmdb =>
      openLmdb<Uint8Array, Uint8Array>({ ...lmdbOptions(path, options), ...more });
    const reopen = (mapSize: number) => open({ mapSize, useWritemap: true });
    store = storeOf(dir, open(), WRITES_BY_MAP ? reopen : undefined);
    checkVersion(dir, store, found, options.readOnly === true);
    return store;
  } catch (error) {
    store?.close();
    throw historyError(error, path, options.readOnly === true ? 'unreadable' : 'unwritable');
  }
};

/**
 * lmdb may leave the last pages of its file away where they are free. Where one in use is missing, reading it would end
 * the process.
 */
const refuseShort = (dir: string, path: string, { header }: Found): void => {
  if (header === undefined || header.size >= header.meant) return;
  const { size, meant } = header;
  try {
    if (meant - size > MOST_MISSING) throw damaged(dir, 'far too short');
    const pages = readPages(path, header, false);
    while (pages.next().done !== true);
  } catch (error) {
    if (!(error instanceof HistoryError)) throw error;
    throw damaged(dir, `${path} is cut off, it has ${size} bytes of ${meant}`);
  }
};

/**
 * Whether lmdb writes by way of its map of the file. A write of lmdb's that fails damages the memory of the process (seen with
 * 3.5.6: it formats a message into a buffer that is too short, and ends with "corrupted size vs. prev_size"), and this way there
 * is none: what fails is the flush, which is an error like any other. On Linux alone: elsewhere a map is flushed differently, or
 * not to the disk.
 */
const WRITES_BY_MAP = process.platform === 'linux' && !ARCH_32_BIT.includes(process.arch);

type LmdbOptions = RootDatabaseOptionsWithPath & { permissionsMode: number; useWritemap?: boolean };

const lmdbOptions = (path: string, { durability, readOnly, mapSize }: StoreOptions): LmdbOptions => {
  const options: LmdbOptions = {
    path,
    encoding: 'binary',
    keyEncoding: 'binary',
    // With it a commit returns before it is on the disk.
    overlappingSync: false,
    noSync: durability === 'os',
    maxDbs: 1,
    permissionsMode: 0o600,
    ...(readOnly === true && { readOnly }),
    ...(mapSize !== undefined && { mapSize }),
  };
  return options;
};

const checkVersion = (dir: string, store: Store, { marked }: Found, readOnly: boolean): void => {
  const value = store.version();
  if (value === undefined) {
    // Without a mark a process may have ended before it wrote the first record; nothing was stored by then.
    if (marked || !isEmpty(store)) throw damaged(dir, 'its version record is missing');
    if (!readOnly)
      store.write(() => {
        store.put(VERSION_KEY, encodeVersion(VERSION_KEY, STORE_VERSION));
      });
  } else {
    const version = decodeVersion(VERSION_KEY, value);
    if (version === undefined) throw damaged(dir, 'its version record is not what was stored');
    if (version > STORE_VERSION) throw newerVersion(dir, version, STORE_VERSION);
  }
  if (!marked && !readOnly) mark(dir);
};

const isEmpty = (store: Store): boolean => {
  const [first] = store.all();
  return first === undefined;
};
