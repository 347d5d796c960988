import { closeSync, fsyncSync, openSync, realpathSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { makeDirectory, syncDirectory } from '../../files/writeFile.js';
import { readRegularFile } from '../../files/readFile.js';
import { errorCode } from '../../util/errors.js';
import { damagedError, HistoryError, newerVersionError, describeError } from './errors.js';
import { type Header, readHeader } from './header.js';

/** The newest version of the store format. */
export const STORE_VERSION = 2;

/** Version of a store in its first incarnation, which older relays can read. */
export const FIRST_STORE_VERSION = 1;

const VERSION_TEXT = /^rxchat history (\d{1,9})\n$/;

const PROBE = '.probe';

/** The space in bytes that lmdb needs to create its files. lmdb ends the process if it cannot. */
const PROBE_BYTES = 65_536;

/** Returns the path of the lmdb file. */
export const dataFile = (dir: string): string => join(dir, 'rooms.mdb');

/** Returns the path of the file that says that there is a store, and its version. */
export const versionFile = (dir: string): string => join(dir, 'VERSION');

/**
 * Creates the directory for its owner alone, tests that it is writable, and returns its real path. Throws
 * `HistoryError` (`unwritable`).
 */
export const initDirectory = (dir: string): string => {
  try {
    makeDirectory(dir);
    const realDir = realpathSync(dir);
    const probe = join(realDir, PROBE);
    try {
      writeAndSync(probe, Buffer.alloc(PROBE_BYTES));
    } finally {
      rmSync(probe, { force: true });
    }
    return realDir;
  } catch (error) {
    throw new HistoryError('unwritable', `cannot store the history in ${dir}: ${describeError(error)}`);
  }
};

/** State of a directory before lmdb opens it. */
export interface DirectoryState {
  /** The version in the version file, which says that there was a store; `undefined` without that file. */
  readonly fileVersion: number | undefined;
  readonly header: Header | undefined;
}

/**
 * Inspects whether there is a store that lmdb can open safely. Throws `HistoryError`: `damaged` if the file is
 * missing or invalid, `newer-version`, `unreadable`.
 */
export const inspectDirectory = (dir: string): DirectoryState => {
  const path = dataFile(dir);
  let versionText: string | undefined;
  let fileVersion: number | undefined;
  let header: Header | 'invalid' | undefined;
  try {
    versionText = readTextIfExists(versionFile(dir));
    header = readHeader(path);
  } catch (error) {
    throw new HistoryError('unreadable', `cannot read the history in ${dir}: ${describeError(error)}`);
  }
  if (versionText !== undefined) {
    const [, version] = VERSION_TEXT.exec(versionText) ?? [];
    if (version === undefined) throw damagedError(dir, 'VERSION was not written by rxchat');
    fileVersion = Number(version);
    if (fileVersion > STORE_VERSION) throw newerVersionError(dir, fileVersion, STORE_VERSION);
    if (header === undefined) throw damagedError(dir, `${path} is missing or empty`);
  }
  if (header === 'invalid') throw damagedError(dir, `${path} is truncated, or its first pages were changed`);
  return { fileVersion, header };
};

/** Returns the version in the version file, or `undefined` if it is missing or damaged. */
export const readStoreVersion = (dir: string): number | undefined => {
  try {
    const [, version] = VERSION_TEXT.exec(readTextIfExists(versionFile(dir)) ?? '') ?? [];
    return version === undefined ? undefined : Number(version);
  } catch {
    return undefined;
  }
};

/** Writes the version file, so that the loss of the store is detected. Throws system errors. */
export const writeVersionFile = (dir: string, version: number): void => {
  const path = versionFile(dir);
  writeAndSync(`${path}.new`, Buffer.from(`rxchat history ${version}\n`));
  renameSync(`${path}.new`, path);
  syncDirectory(dir);
};

const writeAndSync = (path: string, bytes: Buffer): void => {
  const file = openSync(path, 'w', 0o600);
  try {
    for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
};

const readTextIfExists = (path: string): string | undefined => {
  try {
    return readRegularFile(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
};
