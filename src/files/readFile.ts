import { closeSync, constants, fstatSync, openSync, readFileSync, readSync, type Stats } from 'node:fs';
import { errorCode } from '../util/errors.js';

/**
 * Errors of this program about files that the system would accept. `ENOTREG`: a pipe or device instead of a
 * file. `ENOTOURS`: a link created by another user. `ETOOLARGE`: more bytes than such a file has.
 */
export type FileErrorCode = 'EISDIR' | 'ENOTREG' | 'ENOTOURS' | 'ETOOLARGE';

/** Creates an error in the shape of a system error, so that `describeSystemError` has a text for it. */
export const fileError = (code: FileErrorCode): Error => Object.assign(new Error(code), { code });

/** Windows has no named pipes in its file system. */
const NON_BLOCKING = process.platform === 'win32' ? 0 : constants.O_NONBLOCK;

/** Maximum size in bytes of a file that is read completely. It bounds the memory. */
const MAX_FILE_BYTES = 268_435_456;

/**
 * Opens a regular file for reading. Opening a pipe would block until somebody writes. Throws system errors and
 * `ENOTREG`.
 */
export const openRegularFile = (path: string): { readonly file: number; readonly stats: Stats } => {
  const file = openSync(path, constants.O_RDONLY | NON_BLOCKING);
  const stats = fstatSync(file);
  if (stats.isFile()) return { file, stats };
  closeSync(file);
  throw fileError(stats.isDirectory() ? 'EISDIR' : 'ENOTREG');
};

/** Opens a file that is to be read completely. Throws system errors, `ENOTREG` and `ETOOLARGE`. */
export const openBoundedFile: typeof openRegularFile = (path) => {
  const opened = openRegularFile(path);
  if (opened.stats.size <= MAX_FILE_BYTES) return opened;
  closeSync(opened.file);
  throw fileError('ETOOLARGE');
};

/**
 * Reads a file as UTF-8. `check` receives the stats of the opened file and may throw. Throws the errors of
 * `openBoundedFile`.
 */
export const readRegularFile = (path: string, check?: (stats: Stats) => void): string => {
  const { file, stats } = openBoundedFile(path);
  try {
    check?.(stats);
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(file);
  }
};

/** Maximum size of an invite, passphrase, key or certificate in bytes. A device such as /dev/zero has no end. */
export const MAX_INPUT_BYTES = 1_048_576;

const CHUNK_BYTES = 65_536;
const WAIT_MS = 10;
const STANDARD_INPUT = 0;

/** Reads a file, pipe or device named by the user completely. Throws system errors and `ETOOLARGE`. */
export const readInputFile = (path: string): Buffer => {
  const file = openSync(path, 'r');
  try {
    return readAll(file);
  } finally {
    closeSync(file);
  }
};

/** Reads standard input completely. Throws as `readInputFile` does. */
export const readStandardInput = (): Buffer => readAll(STANDARD_INPUT);

const readAll = (file: number): Buffer => {
  const chunks: Buffer[] = [];
  for (let size = 0; size <= MAX_INPUT_BYTES;) {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    const length = readChunk(file, chunk);
    if (length === 0) return Buffer.concat(chunks);
    chunks.push(chunk.subarray(0, length));
    size += length;
  }
  throw fileError('ETOOLARGE');
};

/** Reads a chunk and returns its length, 0 at the end. Also waits for data from a non-blocking pipe. */
const readChunk = (file: number, chunk: Buffer): number => {
  const sleepCell = new Int32Array(new SharedArrayBuffer(4));
  for (;;) {
    try {
      return readSync(file, chunk);
    } catch (error) {
      if (errorCode(error) === 'EOF') return 0;
      if (errorCode(error) !== 'EAGAIN') throw error;
      Atomics.wait(sleepCell, 0, 0, WAIT_MS);
    }
  }
};
