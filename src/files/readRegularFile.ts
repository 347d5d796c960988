import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from 'node:fs';
import { fileFault } from './fileFault.js';

/** Windows has no pipes among its files. */
const NON_BLOCKING = process.platform === 'win32' ? 0 : constants.O_NONBLOCK;

/** No file that rxchat reads whole becomes so large; what is larger would take the memory. In bytes. */
const LARGEST_BYTES = 268_435_456;

/**
 * Opens a file for reading, and nothing else: a pipe would make the program wait for somebody who writes. Throws
 * errors of the system, `ENOTREG` among them.
 */
export const openRegularFile = (path: string): { readonly file: number; readonly stats: Stats } => {
  const file = openSync(path, constants.O_RDONLY | NON_BLOCKING);
  const stats = fstatSync(file);
  if (stats.isFile()) return { file, stats };
  closeSync(file);
  throw fileFault(stats.isDirectory() ? 'EISDIR' : 'ENOTREG');
};

/** Opens a file that is to be read whole; throws errors of the system, `ENOTREG` and `ETOOLARGE` among them. */
export const openWholeFile: typeof openRegularFile = (path) => {
  const opened = openRegularFile(path);
  if (opened.stats.size <= LARGEST_BYTES) return opened;
  closeSync(opened.file);
  throw fileFault('ETOOLARGE');
};

/**
 * Reads a file as UTF-8. `check` sees what was opened, and throws if it must not be used. Throws errors of the system,
 * and those of `openWholeFile`.
 */
export const readRegularFile = (path: string, check?: (stats: Stats) => void): string => {
  const { file, stats } = openWholeFile(path);
  try {
    check?.(stats);
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(file);
  }
};
