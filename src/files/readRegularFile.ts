import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from 'node:fs';
import { fileFault } from './fileFault.js';

/** Windows has no pipes among its files. */
const NON_BLOCKING = process.platform === 'win32' ? 0 : constants.O_NONBLOCK;

/**
 * Reads a file as UTF-8, and nothing else: a pipe would make the program wait for somebody who writes. `check` sees what
 * was opened, and throws if it must not be used. Throws errors of the system.
 */
export const readRegularFile = (path: string, check?: (stats: Stats) => void): string => {
  const file = openSync(path, constants.O_RDONLY | NON_BLOCKING);
  try {
    const stats = fstatSync(file);
    if (stats.isDirectory()) throw fileFault('EISDIR');
    if (!stats.isFile()) throw fileFault('ENOTREG');
    check?.(stats);
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(file);
  }
};
