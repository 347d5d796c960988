import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from 'node:fs';
import { fileFault } from './fileFault.js';

/** Windows has no pipes among its files. */
const NON_BLOCKING = process.platform === 'win32' ? 0 : constants.O_NONBLOCK;

/** No file that rxchat writes becomes so large; what is larger would take the memory. In bytes. */
const LARGEST_BYTES = 268_435_456;

/**
 * Opens a file for reading, and nothing else: a pipe would make the program wait for somebody who writes. Throws
 * errors of the system, `ENOTREG` and `ETOOLARGE` among them.
 */
export const openRegularFile = (path: string): { readonly file: number; readonly stats: Stats } => {
  const file = openSync(path, constants.O_RDONLY | NON_BLOCKING);
  const stats = fstatSync(file);
  if (stats.isFile() && stats.size <= LARGEST_BYTES) return { file, stats };
  closeSync(file);
  throw fileFault(stats.isFile() ? 'ETOOLARGE' : stats.isDirectory() ? 'EISDIR' : 'ENOTREG');
};

/**
 * Reads a file as UTF-8. `check` sees what was opened, and throws if it must not be used. Throws errors of the system,
 * and those of `openRegularFile`.
 */
export const readRegularFile = (path: string, check?: (stats: Stats) => void): string => {
  const { file, stats } = openRegularFile(path);
  try {
    check?.(stats);
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(file);
  }
};
