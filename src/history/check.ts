import { existsSync, realpathSync } from 'node:fs';
import { dataFile, find, type Found } from './directory.js';
import { HistoryError, historyError } from './errors.js';
import type { Header } from './header.js';
import { openStore } from './openStore.js';
import { readPages } from './pages.js';
import { type Contents, verify } from './verify.js';

/** How often to read a store that a relay stores in meanwhile. */
const TRIES = 5;

const NOTHING: Contents = { rooms: 0, entries: 0, bytes: 0 };

/**
 * Reads all of the store in a directory and says how much it holds; nothing where there is none yet. Throws
 * `HistoryError`: `damaged` with what is wrong, `in-use` where a relay stores so much meanwhile that it cannot be told,
 * `newer-version`, `unreadable`.
 *
 * Synchronous, and as slow as reading the file. It changes nothing. On machines of 32 bits it reads by way of lmdb,
 * which may end the process where the file is damaged, and must not be let at a store that a relay uses.
 */
export const checkHistory = (dir: string): Contents => {
  try {
    if (!existsSync(dir)) return NOTHING;
    const real = realpathSync(dir);
    for (let tries = 1; tries <= TRIES; tries += 1) {
      const found = find(real);
      if (found.header === undefined) return NOTHING;
      try {
        return check(real, found, found.header);
      } catch (error) {
        if (error instanceof HistoryError && error.code !== 'damaged') throw error;
        const now = find(real).header;
        // What was stored meanwhile is in pages that were free before, or in such as the reading had still to come to.
        if (now?.transaction === found.header.transaction) throw error;
      }
    }
    throw new HistoryError('in-use', `a relay uses the history in ${dir}`);
  } catch (error) {
    throw historyError(error, dir, 'unreadable');
  }
};

const check = (dir: string, found: Found, header: Header): Contents => {
  const isEmpty = header.trees.length > 0 && header.trees.every(({ root }) => root === undefined);
  // A process may have ended before it wrote anything.
  if (isEmpty && !found.marked) return NOTHING;
  if (header.trees.length > 0) return verify(dir, () => readPages(dataFile(dir), header, true));
  const store = openStore(dir, found, { durability: 'disk', readOnly: true });
  try {
    return verify(dir, () => store.all());
  } finally {
    store.close();
  }
};
