import { open as openLmdb, type RootDatabaseOptionsWithPath } from 'lmdb';
import {
  dataFile,
  type DirectoryState,
  FIRST_STORE_VERSION,
  inspectDirectory,
  STORE_VERSION,
  writeVersionFile,
} from '../layout/directory.js';
import { damagedError, HistoryError, historyError, newerVersionError } from '../layout/errors.js';
import { ARCH_32_BIT } from '../layout/header.js';
import { VERSION_KEY } from '../layout/keys.js';
import { decodeHead } from '../layout/records.js';
import { readPages } from '../layout/pages.js';
import { type Lmdb, type Store, createStore } from './store.js';

export interface OpenStoreOptions {
  readonly durability: 'os' | 'disk';
  readonly readOnly?: boolean;
  /** Size of the memory map in bytes. By default it grows as needed. */
  readonly mapSize?: number | undefined;
  /** Whether lmdb writes through its memory map, where the system allows it (default true). */
  readonly useWritemap?: boolean;
}

/** Maximum bytes of free pages that may be missing at the end of the file; more than a transaction ever frees. */
const MAX_MISSING_BYTES = 64 * 1024 * 1024;

/** Opens the lmdb file that `inspectDirectory` found, or creates it. Throws `HistoryError`. */
export const openStore = (dir: string, found: DirectoryState, options: OpenStoreOptions): Store => {
  const path = dataFile(dir);
  let store: Store | undefined;
  try {
    if (options.readOnly !== true) rejectTruncated(dir, path, found);
    // Opened without the write map first, which would extend the file by space that is not allocated yet.
    const reopen = (mapSize: number) => openDatabase(path, { ...options, mapSize }, true);
    store = createStore(
      dir,
      openDatabase(path, options),
      USES_WRITEMAP && options.useWritemap !== false ? reopen : undefined,
    );
    checkVersion(dir, store, found, options.readOnly === true);
    return store;
  } catch (error) {
    store?.close();
    throw historyError(error, path, options.readOnly === true ? 'unreadable' : 'unwritable');
  }
};

/**
 * Rejects a file whose missing end is in use. lmdb may omit free pages at the end, but reading a missing page
 * ends the process.
 */
const rejectTruncated = (dir: string, path: string, { header }: DirectoryState): void => {
  if (header === undefined || header.size >= header.expectedSize) return;
  const { size, expectedSize } = header;
  try {
    if (expectedSize - size > MAX_MISSING_BYTES) throw damagedError(dir, 'much too short');
    const pages = readPages(path, header, false);
    while (pages.next().done !== true);
  } catch (error) {
    if (!(error instanceof HistoryError)) throw error;
    throw damagedError(dir, `${path} is truncated to ${size} of ${expectedSize} bytes`);
  }
};

/**
 * Whether lmdb writes through its memory map. A failed write of lmdb corrupts the memory of the process (seen
 * with 3.5.6: "corrupted size vs. prev_size"). With the map only the flush can fail, as an ordinary error.
 * Linux only: other systems flush a map differently or not to the disk.
 */
const USES_WRITEMAP = process.platform === 'linux' && !ARCH_32_BIT.includes(process.arch);

type LmdbOptions = RootDatabaseOptionsWithPath & { permissionsMode: number; useWritemap: boolean };

/** Opens an lmdb file, or creates it. Throws the errors of lmdb. */
export const openDatabase = (
  path: string,
  { durability, readOnly, mapSize }: OpenStoreOptions,
  useWritemap = false,
): Lmdb => {
  const options: LmdbOptions = {
    path,
    encoding: 'binary',
    keyEncoding: 'binary',
    // Otherwise a commit returns before it is on the disk.
    overlappingSync: false,
    noSync: durability === 'os',
    maxDbs: 1,
    permissionsMode: 0o600,
    useWritemap,
    ...(readOnly === true && { readOnly }),
    ...(mapSize !== undefined && { mapSize }),
  };
  return openLmdb<Uint8Array, Uint8Array>(options);
};

const checkVersion = (
  dir: string,
  store: Store,
  { fileVersion }: DirectoryState,
  readOnly: boolean,
): void => {
  const value = store.version();
  let version: number | undefined = FIRST_STORE_VERSION;
  if (value === undefined) {
    // Without a version file, a process may have ended before it wrote the first record. Nothing was stored
    // then.
    if (fileVersion !== undefined || !isEmpty(store))
      throw damagedError(dir, 'its version record is missing');
    if (!readOnly)
      store.write(() => {
        store.putHead({ version: FIRST_STORE_VERSION, incarnation: 0 });
      });
  } else {
    version = decodeHead(VERSION_KEY, value)?.version;
    if (version === undefined) throw damagedError(dir, 'its version record was changed');
    if (version > STORE_VERSION) throw newerVersionError(dir, version, STORE_VERSION);
  }
  if ((fileVersion ?? 0) < version && !readOnly) writeVersionFile(dir, version);
};

/** Returns the version of the store in a directory. Throws `HistoryError`. */
export const storedVersion = (dir: string): number => {
  const store = openStore(dir, inspectDirectory(dir), { durability: 'disk', readOnly: true });
  try {
    return store.head().version;
  } finally {
    store.close();
  }
};

const isEmpty = (store: Store): boolean => {
  const [first] = store.all();
  return first === undefined;
};
