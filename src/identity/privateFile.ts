import {
  appendFileSync,
  closeSync,
  fstatSync,
  fsyncSync,
  openSync,
  readSync,
  type Stats,
  statSync,
} from 'node:fs';
import { dirname, resolve } from 'node:path';
import { createFile, makeDirectory, writeFileAtomic } from '../files/writeFile.js';
import { openBoundedFile, openRegularFile, readRegularFile } from '../files/readFile.js';
import { errorCode, systemErrorText } from '../util/errors.js';

/**
 * The reason for a failure of a key file:
 *
 * - `open-to-others`: others may read or change it or its directory
 * - `not-yours`: it belongs to another user
 * - `damaged`: the content is not what was written
 * - `unreadable`, `unwritable`: the system denies access, or the disk is full
 */
export type IdentityErrorCode = 'open-to-others' | 'not-yours' | 'damaged' | 'unreadable' | 'unwritable';

/** A failure of a key file. The message is one line, names the path and contains nothing of a key. */
export class IdentityError extends Error {
  override readonly name = 'IdentityError';
  readonly code: IdentityErrorCode;
  /** What the user can do, if anything. */
  readonly hint: string | undefined;

  constructor(code: IdentityErrorCode, message: string, hint?: string) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}

/** Permissions that others must not have: any for secrets, write for other files and directories. */
export const PRIVATE_MASK = 0o077;
export const WRITE_MASK = 0o022;

const HOME_HINT =
  'if modes cannot be set there (FAT, /mnt/c of WSL), set RXCHAT_HOME to a directory on another file system';

/**
 * Reads a file that others may read but not change; it may belong to root. Returns `undefined` if it does
 * not exist. Throws `IdentityError`: `open-to-others`, `not-yours`, `unreadable`.
 */
export const readTrustedFile = (path: string): string | undefined =>
  readIfExists(path, () =>
    readRegularFile(path, (stats) => {
      checkOwner(path, stats, WRITE_MASK);
    }),
  );

/** Returns the result of `read`, or `undefined` if the file does not exist. Throws `IdentityError`. */
const readIfExists = <T>(path: string, read: () => T): T | undefined => {
  try {
    return read();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) return undefined;
    throw toIdentityError(error, 'unreadable', `cannot read ${path}`);
  }
};

/**
 * Rejects a file or directory that belongs to another user, or gives others a permission of the mask. Throws
 * `IdentityError`: `open-to-others`, `not-yours`.
 */
export const checkOwner = (path: string, { uid, mode }: Stats, mask: number): void => {
  // Windows has neither. Its access lists protect the directories of a user.
  const ownUid = process.getuid?.();
  if (ownUid === undefined) return;
  const absolutePath = resolve(path);
  // Root can change everything anyway.
  if (uid !== ownUid && !(uid === 0 && mask === WRITE_MASK))
    throw new IdentityError('not-yours', `${absolutePath} belongs to another user (uid ${uid})`);
  if ((mode & mask) === 0) return;
  const octal = (mode & 0o777).toString(8).padStart(4, '0');
  throw new IdentityError(
    'open-to-others',
    `${absolutePath} is open to others (mode ${octal}): chmod ${mask === PRIVATE_MASK ? '600' : 'go-w'} ${absolutePath}`,
    HOME_HINT,
  );
};

/** Converts any error into one about a key file. `what` names the path. */
export const toIdentityError = (
  error: unknown,
  code: 'unreadable' | 'unwritable',
  what: string,
): IdentityError =>
  error instanceof IdentityError
    ? error
    : new IdentityError(
        code,
        `${what}: ${systemErrorText(error) ?? errorCode(error) ?? String(error)}`,
        code === 'unwritable' ? 'set RXCHAT_HOME to a directory that you own' : undefined,
      );

/**
 * Reads a file that only its owner may access, as ssh does with keys. Returns `undefined` if it does not exist.
 * Throws `IdentityError`: `open-to-others`, `not-yours`, `unreadable`.
 */
export const readPrivateFile = (path: string): string | undefined =>
  readIfExists(path, () => {
    const text = readRegularFile(path, (stats) => {
      checkOwner(path, stats, PRIVATE_MASK);
    });
    checkParentDirectory(path);
    return text;
  });

/** The bytes of a file after an offset. */
export interface FileTail {
  /** Inode, which distinguishes the file from another one at the same path. */
  readonly file: number;
  /** Whether the bytes are the whole file. */
  readonly isWhole: boolean;
  readonly bytes: Buffer;
}

/** Reads a private file from an offset. Reads all of it if the inode is not `before` or the file became shorter. */
export const readPrivateTail = (
  path: string,
  from: number,
  before: number | undefined,
): FileTail | undefined =>
  readIfExists(path, () => {
    const { file, stats } = openBoundedFile(path);
    try {
      checkOwner(path, stats, PRIVATE_MASK);
      checkParentDirectory(path);
      const start = stats.ino === before && stats.size >= from ? from : 0;
      return { file: stats.ino, isWhole: start === 0, bytes: readRange(file, start, stats.size) };
    } finally {
      closeSync(file);
    }
  });

const readRange = (file: number, start: number, end: number): Buffer => {
  const bytes = Buffer.alloc(Math.max(0, end - start));
  return bytes.subarray(0, bytes.length === 0 ? 0 : readSync(file, bytes, 0, bytes.length, start));
};

/**
 * Creates a file with mode 0600, completely or not at all, and leaves an existing file unchanged. One of
 * several concurrent processes wins. Throws `IdentityError` (`unwritable`).
 */
export const createPrivateFile = (path: string, text: string): void => {
  try {
    makeParentDirectory(path);
    createFile(path, text);
  } catch (error) {
    throw toIdentityError(error, 'unwritable', `cannot write ${path}`);
  }
};

/**
 * Appends text to a file with mode 0600 in one write, so that several processes can append. Creates the file if
 * it does not exist. `durable` waits for the disk. Throws `IdentityError` (`unwritable`).
 */
export const appendPrivateFile = (path: string, text: string, durable = true): void => {
  try {
    const file = openToAppend(path);
    try {
      appendFileSync(file, text);
      if (durable) fsyncSync(file);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw toIdentityError(error, 'unwritable', `cannot write ${path}`);
  }
};

const openToAppend = (path: string): number => {
  try {
    return openSync(path, 'a', 0o600);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
    makeParentDirectory(path);
    return openSync(path, 'a', 0o600);
  }
};

/**
 * Replaces the first `size` bytes of a file that other processes append to, and keeps what they appended. A
 * write at the same moment may be lost. Throws `IdentityError` (`unwritable`).
 */
export const replacePrivateFile = (path: string, text: string, size: number): void => {
  try {
    const { file: before } = openRegularFile(path);
    try {
      writeFileAtomic(path, text);
      const appended = readRange(before, size, fstatSync(before).size);
      if (appended.length > 0) appendPrivateFile(path, appended.toString('utf8'));
    } finally {
      closeSync(before);
    }
  } catch (error) {
    throw toIdentityError(error, 'unwritable', `cannot write ${path}`);
  }
};

const makeParentDirectory = (path: string): void => {
  makeDirectory(dirname(path));
};

const checkParentDirectory = (path: string): void => {
  checkOwner(dirname(path), statSync(dirname(path)), WRITE_MASK);
};
