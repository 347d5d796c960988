import {
  appendFileSync,
  closeSync,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  type Stats,
  statSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { randomText } from '../crypto/random.js';
import { reasonOf } from '../history/errors.js';
import { errorCode } from '../transport/networkError.js';
import { IdentityError } from './errors.js';

/** What others may do that they must not: with a file nothing at all, with a directory change what is in it. */
const FILE_MASK = 0o077;
const DIRECTORY_MASK = 0o022;

/**
 * Reads a file that is for its owner alone, as ssh reads its keys; `undefined` where there is none. Throws
 * `IdentityError`: `open-to-others`, `not-yours`, `unreadable`.
 */
export const readOwnFile = (path: string): string | undefined => {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    checkOwner(path, fstatSync(file));
    checkOwner(dirname(path), statSync(dirname(path)));
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw asIdentityError(error, 'unreadable', `cannot read ${path}`);
  } finally {
    if (file !== undefined) closeSync(file);
  }
};

/**
 * Makes a file, mode 0600, with all of its text or not at all; leaves alone what is there already. Of several processes
 * that do so at once one wins. Throws `IdentityError` (`unwritable`).
 */
export const createOwnFile = (path: string, text: string): void => {
  const part = `${path}.${process.pid}-${randomText(6)}.part`;
  try {
    makeOwnDirectory(path);
    try {
      appendOwn(part, text, 'ax');
      // A link, for a rename would replace the file of whoever was faster.
      linkSync(part, path);
      syncDirectory(dirname(path));
    } finally {
      rmSync(part, { force: true });
    }
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw asIdentityError(error, 'unwritable', `cannot write ${path}`);
  }
};

/**
 * Adds text to the end of a file, mode 0600, in one write, so that several processes can; makes the file where there
 * is none. Throws `IdentityError` (`unwritable`).
 */
export const appendOwnFile = (path: string, text: string): void => {
  try {
    makeOwnDirectory(path);
    appendOwn(path, text, 'a');
  } catch (error) {
    throw asIdentityError(error, 'unwritable', `cannot write ${path}`);
  }
};

const appendOwn = (path: string, text: string, flags: 'a' | 'ax'): void => {
  const file = openSync(path, flags, 0o600);
  try {
    appendFileSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
};

const makeOwnDirectory = (path: string): void => {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
};

const syncDirectory = (dir: string): void => {
  // Windows has no directories that could be opened.
  if (process.platform === 'win32') return;
  const file = openSync(dir, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
};

const checkOwner = (path: string, stats: Stats): void => {
  // Windows has neither: there the user's own directories are closed to others by their access lists.
  const uid = process.getuid?.();
  if (uid === undefined) return;
  if (stats.uid !== uid)
    throw new IdentityError('not-yours', `${path} belongs to another user (uid ${stats.uid})`);
  const isDirectory = stats.isDirectory();
  const mode = stats.mode & 0o777;
  if ((mode & (isDirectory ? DIRECTORY_MASK : FILE_MASK)) !== 0)
    throw new IdentityError(
      'open-to-others',
      `${path} is open to others (mode ${mode.toString(8).padStart(4, '0')}): chmod ${isDirectory ? '700' : '600'} ${path}`,
    );
};

const asIdentityError = (error: unknown, code: 'unreadable' | 'unwritable', what: string): IdentityError =>
  error instanceof IdentityError ? error : new IdentityError(code, `${what}: ${reasonOf(error)}`);
