import type { Stats } from 'node:fs';
import { resolve } from 'node:path';
import { readRegularFile } from '../files/readRegularFile.js';
import { systemReason } from '../systemFault.js';
import { errorCode } from '../transport/networkError.js';
import { IdentityError } from './errors.js';

/** What others may do that they must not: with a secret anything, with other files and directories change what is in them. */
export const FILE_MASK = 0o077;
export const WRITE_MASK = 0o022;

const OTHER_HOME =
  'if modes cannot be set there (FAT, /mnt/c of WSL), set RXCHAT_HOME to a directory on another file system';

/**
 * Reads a file that others may read and not change; it may be root's. `undefined` if there is none. Throws
 * `IdentityError`: `open-to-others`, `not-yours`, `unreadable`.
 */
export const readUnwritable = (path: string): string | undefined =>
  reading(path, () =>
    readRegularFile(path, (stats) => {
      checkOwner(path, stats, WRITE_MASK);
    }),
  );

/** Reads something; `undefined` if there is no such file. Throws `IdentityError`. */
export const reading = <T>(path: string, read: () => T): T | undefined => {
  try {
    return read();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) return undefined;
    throw asIdentityError(error, 'unreadable', `cannot read ${path}`);
  }
};

/**
 * Refuses a file or a directory that belongs to another user, or with which others may do what the mask has. Throws
 * `IdentityError`: `open-to-others`, `not-yours`.
 */
export const checkOwner = (path: string, { uid, mode }: Stats, mask: number): void => {
  // Windows has neither: there the user's own directories are closed to others by their access lists.
  const own = process.getuid?.();
  if (own === undefined) return;
  const where = resolve(path);
  // Root can change everything anyway.
  if (uid !== own && !(uid === 0 && mask === WRITE_MASK))
    throw new IdentityError('not-yours', `${where} belongs to another user (uid ${uid})`);
  if ((mode & mask) === 0) return;
  const octal = (mode & 0o777).toString(8).padStart(4, '0');
  throw new IdentityError(
    'open-to-others',
    `${where} is open to others (mode ${octal}): chmod ${mask === FILE_MASK ? '600' : 'go-w'} ${where}`,
    OTHER_HOME,
  );
};

/** Any error as one about a file of keys; `what` names the path. */
export const asIdentityError = (
  error: unknown,
  code: 'unreadable' | 'unwritable',
  what: string,
): IdentityError =>
  error instanceof IdentityError
    ? error
    : new IdentityError(
        code,
        `${what}: ${systemReason(error) ?? errorCode(error) ?? String(error)}`,
        code === 'unwritable' ? 'set RXCHAT_HOME to a directory that is yours' : undefined,
      );
