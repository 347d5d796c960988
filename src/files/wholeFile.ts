import {
  closeSync,
  constants,
  fchmodSync,
  fsyncSync,
  lstatSync,
  openSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { randomText } from '../crypto/random.js';
import { errorCode } from '../transport/networkError.js';
import { fileFault } from './fileFault.js';

/** Windows has no links that could be planted in place of a file just made. */
const NO_FOLLOW = process.platform === 'win32' ? 0 : constants.O_NOFOLLOW;

/**
 * Replaces the content of a file: a reader sees the new content whole, or the old. A link is written through, the mode
 * of a file that exists stays, and a new file has 0600. Several processes can do it at once: the last content stays.
 * Returns the `fileVersion` that it has written. Throws errors of the system.
 */
export const writeWhole = (path: string, text: string): string | undefined => {
  const target = targetOf(path);
  const before = statSync(target, { throwIfNoEntry: false });
  if (before !== undefined && !before.isFile()) throw fileFault(before.isDirectory() ? 'EISDIR' : 'ENOTREG');
  const part = join(dirname(target), `.rxchat-${randomText(9)}.part`);
  const file = openSync(part, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | NO_FOLLOW, 0o600);
  try {
    try {
      writeFileSync(file, text);
      if (before !== undefined) keepMode(file, before.mode & 0o777);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    const version = fileVersion(part);
    renameSync(part, target);
    return version;
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
  }
};

/** Tells one content that `writeWhole` has written from another; `undefined` if there is no file. */
export const fileVersion = (path: string): string | undefined => {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? undefined : `${stats.ino} ${stats.mtimeNs}`;
};

/** A file system may have no modes to set. */
const keepMode = (file: number, mode: number): void => {
  try {
    fchmodSync(file, mode);
  } catch (error) {
    if (errorCode(error) !== 'EPERM') throw error;
  }
};

/** The file that a path leads to, through links, whether it exists or not. */
const targetOf = (path: string): string => {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats?.isSymbolicLink() !== true) return path;
  // As the kernel has it for directories that all may write: whoever planted a link does not choose what is overwritten.
  const uid = process.getuid?.();
  if (uid !== undefined && stats.uid !== uid && stats.uid !== 0) throw fileFault('ENOTOURS');
  try {
    return realpathSync(path);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
    return targetOf(resolve(dirname(path), readlinkSync(path)));
  }
};
