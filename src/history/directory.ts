import { closeSync, fsyncSync, openSync, realpathSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { makeDirectory } from '../files/makeDirectory.js';
import { readRegularFile } from '../files/readRegularFile.js';
import { errorCode } from '../transport/networkError.js';
import { damaged, HistoryError, newerVersion, reasonOf } from './errors.js';
import { type Header, readHeader } from './header.js';

/** The version of what is in the directory. */
export const STORE_VERSION = 1;

const MARKER = 'VERSION';
const PROBE = '.probe';

/** As much as lmdb needs to make its files: it ends the process where it cannot. */
const PROBE_BYTES = 65_536;

/** Where lmdb's file is. */
export const dataFile = (dir: string): string => join(dir, 'rooms.mdb');

/**
 * Makes the directory, for its owner alone, and sees that files can be written there; gives its real path. Throws
 * `HistoryError` (`unwritable`).
 */
export const prepare = (dir: string): string => {
  try {
    makeDirectory(dir);
    const real = realpathSync(dir);
    const probe = join(real, PROBE);
    try {
      writeWhole(probe, Buffer.alloc(PROBE_BYTES));
    } finally {
      rmSync(probe, { force: true });
    }
    return real;
  } catch (error) {
    throw new HistoryError('unwritable', `cannot keep the history in ${dir}: ${reasonOf(error)}`);
  }
};

/** What is in a directory before lmdb opens it. */
export interface Found {
  /** Whether something says that there was a store. */
  readonly marked: boolean;
  readonly header: Header | undefined;
}

/**
 * Looks whether there is a store, and whether lmdb can be let at it. Throws `HistoryError`: `damaged` where a store has
 * lost its file or the file is none, `newer-version`, `unreadable`.
 */
export const find = (dir: string): Found => {
  const path = dataFile(dir);
  let marker: string | undefined;
  let header: Header | 'invalid' | undefined;
  try {
    marker = readText(join(dir, MARKER));
    header = readHeader(path);
  } catch (error) {
    throw new HistoryError('unreadable', `cannot read the history in ${dir}: ${reasonOf(error)}`);
  }
  if (marker !== undefined) {
    const [, version] = /^rxchat history (\d{1,9})\n$/.exec(marker) ?? [];
    if (version === undefined) throw damaged(dir, `${MARKER} says nothing that rxchat writes`);
    if (Number(version) > STORE_VERSION) throw newerVersion(dir, Number(version), STORE_VERSION);
    if (header === undefined) throw damaged(dir, `${path} is missing or empty`);
  }
  if (header === 'invalid')
    throw damaged(dir, `${path} is cut off, or its first pages are not what was stored`);
  return { marked: marker !== undefined, header };
};

/** Writes down that there is a store, so that its loss is noticed. Throws errors of the system. */
export const mark = (dir: string): void => {
  const path = join(dir, MARKER);
  writeWhole(`${path}.new`, Buffer.from(`rxchat history ${STORE_VERSION}\n`));
  renameSync(`${path}.new`, path);
  // Windows has no directories that could be opened.
  if (process.platform === 'win32') return;
  const file = openSync(dir, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
};

const writeWhole = (path: string, bytes: Buffer): void => {
  const file = openSync(path, 'w', 0o600);
  try {
    for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
};

const readText = (path: string): string | undefined => {
  try {
    return readRegularFile(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
};
