import { existsSync, realpathSync } from 'node:fs';
import { copyFiles } from './backup.js';
import { checkHistory } from './check.js';
import { type SalvagedRoom, salvagedRooms } from './salvagedRooms.js';
import { dataFile, inspectDirectory, readStoreVersion, STORE_VERSION } from '../layout/directory.js';
import { type DamagedPages, openDamagedPages } from '../layout/damagedPages.js';
import { HistoryError, historyError, newerVersionError } from '../layout/errors.js';
import { isKnownLayout } from '../layout/header.js';
import type { KeyValue } from '../layout/pages.js';
import { keyKind, VERSION_KEY } from '../layout/keys.js';
import { decodeHead } from '../layout/records.js';
import { createEmptyDirectory, createStagedStore } from '../layout/stagedStore.js';
import { beginIncarnation } from '../store/incarnation.js';
import { openStore } from '../store/openStore.js';
import type { Store } from '../store/store.js';

/** What was saved of a damaged store. */
export interface Salvaged {
  readonly rooms: readonly SalvagedRoom[];
  /** Whether all of the store was read, so that nothing is lost. */
  readonly isComplete: boolean;
  /** The names of other files that were copied. */
  readonly files: readonly string[];
}

/** Bytes of values that are written in one transaction. */
const TRANSACTION_BYTES = 1_048_576;

/**
 * Copies what can be read of a damaged store to a new or empty directory: each entry whose checksum is right. It does not
 * change the damaged store, and does not open it with lmdb, which would end the process.
 *
 * Positions keep their meaning: lost entries are gaps. If the record of a room with the id and the end of its log is lost, its
 * log gets a new id. If the newest transaction cannot be read, the copy is that of the one before.
 *
 * Rejects with `HistoryError`: `unreadable` if nothing can be read, `newer-version`, `in-use` if a relay changes the store.
 *
 * @param newId creates the id of a log whose own is lost.
 * @param files names of other files in the directory of the store. Those that exist are copied too.
 */
export const salvageHistory = async (
  dir: string,
  target: string,
  newId: () => string,
  files: readonly string[] = [],
): Promise<Salvaged> => {
  try {
    if (!isKnownLayout())
      throw new HistoryError(
        'unreadable',
        'this machine cannot read damaged stores: copy the directory to another one',
      );
    const source = existsSync(dir) ? realpathSync(dir) : dir;
    const version = readStoreVersion(source);
    if (version !== undefined && version > STORE_VERSION)
      throw newerVersionError(dir, version, STORE_VERSION);
    const pages = openDamagedPages(dataFile(source));
    try {
      if (pages.transactions === 0)
        throw new HistoryError(
          'unreadable',
          `nothing can be read in ${dir}: both headers of rooms.mdb are damaged`,
          {
            hint: 'restore a backup',
          },
        );
      createEmptyDirectory(target);
      return await createStagedStore(target, (staging) => {
        const rooms = copyValues(dir, pages, staging, newId);
        checkHistory(staging);
        if (pages.hasChanged()) throw new HistoryError('in-use', `a relay uses the history in ${dir}`);
        const isComplete = pages.damages === 0 && rooms.every(({ isComplete: isWhole }) => isWhole);
        const result = { rooms, isComplete, files: copyFiles(source, target, files) };
        return { version: STORE_VERSION, result };
      });
    } finally {
      pages.close();
    }
  } catch (error) {
    throw historyError(error, dir, 'unreadable');
  }
};

/** Copies all values whose checksums are right, and returns what is saved of each room. */
const copyValues = (
  dir: string,
  pages: DamagedPages,
  staging: string,
  newId: () => string,
): readonly SalvagedRoom[] => {
  const store = openStore(staging, inspectDirectory(staging), { durability: 'os' });
  try {
    const rooms = salvagedRooms(newId);
    const writer = batchWriter(store);
    // The tree of the transaction before has pages that the newest one has replaced.
    for (let transaction = 0; transaction < pages.transactions; transaction += 1) {
      if (transaction > 0 && pages.damages === 0) break;
      for (const entry of pages.values(transaction)) {
        if (keyKind(entry.key) === 'version') copyHead(dir, store, entry);
        else if (rooms.add(entry)) writer.put(entry);
      }
    }
    writer.flush();
    // Entries that could not be read may have positions that this store assigns again.
    beginIncarnation(store, rooms.incarnation);
    return rooms.finish(store);
  } finally {
    store.close();
  }
};

const copyHead = (dir: string, store: Store, { key, value }: KeyValue): void => {
  const head = key.length === 1 ? decodeHead(VERSION_KEY, value) : undefined;
  if (head === undefined) return;
  if (head.version > STORE_VERSION) throw newerVersionError(dir, head.version, STORE_VERSION);
  store.write(() => {
    store.putHead(head);
  });
};

const batchWriter = (store: Store) => {
  let batch: KeyValue[] = [];
  let bytes = 0;
  const flush = () => {
    const values = batch;
    if (values.length > 0)
      store.write(
        () => {
          for (const { key, value } of values) store.put(key, value);
        },
        2 * bytes + values.length * 4096,
      );
    batch = [];
    bytes = 0;
  };
  return {
    put: (entry: KeyValue) => {
      batch.push(entry);
      bytes += entry.value.length;
      if (bytes >= TRANSACTION_BYTES || batch.length >= 256) flush();
    },
    flush,
  };
};
