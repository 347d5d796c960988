import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  constants,
  fchmodSync,
  readdirSync,
  lstatSync,
  readlinkSync,
  realpathSync,
  renameSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { randomText } from '../crypto/random.js';
import { errorCode } from '../util/errors.js';
import { fileError } from './readFile.js';

/**
 * Creates a directory and its missing parents, accessible to the owner only. Throws system errors. The `recursive`
 * option of Node is not used, because it never returns if nothing can be created (`/proc`). On a read-only file
 * system it hides the reason.
 */
export const makeDirectory = (dir: string): void => {
  const parent = dirname(dir);
  if (parent !== dir && !existsSync(parent)) makeDirectory(parent);
  try {
    mkdirSync(dir, { mode: 0o700 });
  } catch (error) {
    if (errorCode(error) !== 'EEXIST' || !isDirectory(dir)) throw error;
  }
};

const isDirectory = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

/** Returns a new path next to a file, for its content until it is complete. */
const tempPathFor = (path: string): string => join(dirname(path), `.rxchat-${randomText(9)}.part`);

const TEMP_NAME = /^\.rxchat-[\w-]{12}\.part$/;

/**
 * Removes the incomplete files that killed processes left in a directory. The caller ensures that no other process
 * writes a file there. Keeps links, directories and files of other users. Throws system errors.
 */
export const removeIncompleteFiles = (dir: string): void => {
  for (const name of readdirSync(dir)) {
    if (!TEMP_NAME.test(name)) continue;
    const path = join(dir, name);
    const stats = lstatSync(path, { throwIfNoEntry: false });
    const ownUid = process.getuid?.() ?? stats?.uid;
    if (stats?.isFile() === true && stats.uid === ownUid) rmSync(path, { force: true });
  }
};

/** How often, and for how many ms each time, to wait for another process that is writing the file. */
const MAX_ATTEMPTS = 100;
const WAIT_MS = 10;

/**
 * Creates a file with mode 0600, completely or not at all. Returns whether it did: an existing file is left
 * unchanged, and one of several concurrent processes wins. Throws system errors.
 */
export const createFile = (path: string, text: string): boolean => {
  const tempPath = tempPathFor(path);
  try {
    writeNewFile(tempPath, text);
    return linkFile(tempPath, path) ?? createInPlace(path, text);
  } finally {
    rmSync(tempPath, { force: true });
  }
};

/**
 * Links the file, since a rename would replace the file of a faster process. Returns `undefined` if the file
 * system has no hard links.
 */
const linkFile = (tempPath: string, path: string): boolean | undefined => {
  try {
    linkSync(tempPath, path);
    syncDirectory(dirname(path));
    return true;
  } catch (error) {
    return errorCode(error) === 'EEXIST' ? false : undefined;
  }
};

/** Creates the file directly, for FAT, some network file systems and Android, which have no hard links. */
const createInPlace = (path: string, text: string): boolean => {
  try {
    writeNewFile(path, text);
    return true;
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') {
      removeIfEmpty(path);
      throw error;
    }
    waitForText(path);
    return false;
  }
};

/** Removes an empty file after a failed write, which would be reported as damaged. */
const removeIfEmpty = (path: string): void => {
  if (readTextOr(path, '.') === '') rmSync(path, { force: true });
};

const waitForText = (path: string): void => {
  const sleepCell = new Int32Array(new SharedArrayBuffer(4));
  for (let attempts = 0; attempts < MAX_ATTEMPTS && readTextOr(path, '') === ''; attempts += 1)
    Atomics.wait(sleepCell, 0, 0, WAIT_MS);
};

const readTextOr = (path: string, fallback: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return fallback;
  }
};

const writeNewFile = (path: string, text: string): void => {
  const file = openSync(path, 'wx', 0o600);
  try {
    writeFileSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
};

/** Waits until new and renamed files of a directory are on disk. Throws system errors. */
export const syncDirectory = (dir: string): void => {
  // Windows cannot open directories.
  if (process.platform === 'win32') return;
  const file = openSync(dir, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
};

/** Windows has no links that an attacker could create in place of a new file. */
const NO_FOLLOW = process.platform === 'win32' ? 0 : constants.O_NOFOLLOW;

/**
 * Replaces the content of a file atomically: readers see the new content or the old one. It follows a link and
 * keeps the mode of an existing file; a new file has mode 0600. If several processes write, the last one wins.
 * Returns the `fileVersion` of the new file. Throws system errors.
 */
export const writeFileAtomic = (path: string, text: string): string | undefined => {
  const target = resolveTarget(path);
  const previous = statSync(target, { throwIfNoEntry: false });
  if (previous !== undefined && !previous.isFile())
    throw fileError(previous.isDirectory() ? 'EISDIR' : 'ENOTREG');
  const tempPath = tempPathFor(target);
  const file = openSync(
    tempPath,
    constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | NO_FOLLOW,
    0o600,
  );
  try {
    try {
      writeFileSync(file, text);
      if (previous !== undefined) preserveMode(file, previous.mode & 0o777);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    const version = fileVersion(tempPath);
    renameSync(tempPath, target);
    return version;
  } catch (error) {
    rmSync(tempPath, { force: true });
    throw error;
  }
};

/** Identifies one content written by `writeFileAtomic`, or returns `undefined` if there is no file. */
export const fileVersion = (path: string): string | undefined => {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? undefined : `${stats.ino} ${stats.mtimeNs}`;
};

/** Some file systems have no modes. */
const preserveMode = (file: number, mode: number): void => {
  try {
    fchmodSync(file, mode);
  } catch (error) {
    if (errorCode(error) !== 'EPERM') throw error;
  }
};

/** Resolves a path through links, whether the target exists or not. */
const resolveTarget = (path: string): string => {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats?.isSymbolicLink() !== true) return path;
  // The same rule as the kernel has for world-writable directories: the creator of a link must not choose which
  // file is overwritten.
  const uid = process.getuid?.();
  if (uid !== undefined && stats.uid !== uid && stats.uid !== 0) throw fileError('ENOTOURS');
  try {
    return realpathSync(path);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
    return resolveTarget(resolve(dirname(path), readlinkSync(path)));
  }
};
