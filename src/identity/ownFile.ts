import { appendFileSync, closeSync, fstatSync, fsyncSync, openSync, readSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeDirectory } from '../files/makeDirectory.js';
import { createFile } from '../files/createFile.js';
import { openRegularFile, openWholeFile, readRegularFile } from '../files/readRegularFile.js';
import { writeWhole } from '../files/wholeFile.js';
import { errorCode } from '../transport/networkError.js';
import { asIdentityError, checkOwner, FILE_MASK, reading, WRITE_MASK } from './ownership.js';

/**
 * Reads a file that is for its owner alone, as ssh reads its keys; `undefined` if there is none. Throws
 * `IdentityError`: `open-to-others`, `not-yours`, `unreadable`.
 */
export const readOwnFile = (path: string): string | undefined =>
  reading(path, () => {
    const text = readRegularFile(path, (stats) => {
      checkOwner(path, stats, FILE_MASK);
    });
    checkDirectory(path);
    return text;
  });

/** What was added to a file since it was read up to a place. */
export interface Tail {
  /** Tells the file from another that has its path. */
  readonly file: number;
  /** Whether these are all bytes of the file. */
  readonly isWhole: boolean;
  readonly bytes: Buffer;
}

/** Reads the rest of such a file, from a place in it; all of it if it is another file than `file`, or became shorter. */
export const readOwnTail = (path: string, from: number, before: number | undefined): Tail | undefined =>
  reading(path, () => {
    const { file, stats } = openWholeFile(path);
    try {
      checkOwner(path, stats, FILE_MASK);
      checkDirectory(path);
      const start = stats.ino === before && stats.size >= from ? from : 0;
      return { file: stats.ino, isWhole: start === 0, bytes: bytesFrom(file, start, stats.size) };
    } finally {
      closeSync(file);
    }
  });

const bytesFrom = (file: number, start: number, end: number): Buffer => {
  const bytes = Buffer.alloc(Math.max(0, end - start));
  return bytes.subarray(0, bytes.length === 0 ? 0 : readSync(file, bytes, 0, bytes.length, start));
};

/**
 * Makes a file, mode 0600, with all of its text or not at all; leaves alone what is there already. Of several processes
 * that do so at once one wins. Throws `IdentityError` (`unwritable`).
 */
export const createOwnFile = (path: string, text: string): void => {
  try {
    makeOwnDirectory(path);
    createFile(path, text);
  } catch (error) {
    throw asIdentityError(error, 'unwritable', `cannot write ${path}`);
  }
};

/**
 * Adds text to the end of a file, mode 0600, in one write, so that several processes can; makes the file if there is
 * none. `durable`: returns once it outlives the machine. Throws `IdentityError` (`unwritable`).
 */
export const appendOwnFile = (path: string, text: string, durable = true): void => {
  try {
    const file = openToAppend(path);
    try {
      appendFileSync(file, text);
      if (durable) fsyncSync(file);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw asIdentityError(error, 'unwritable', `cannot write ${path}`);
  }
};

const openToAppend = (path: string): number => {
  try {
    return openSync(path, 'a', 0o600);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
    makeOwnDirectory(path);
    return openSync(path, 'a', 0o600);
  }
};

/**
 * Replaces the first bytes of a file that others append to; what was appended since stays, but for what a process is
 * about to write at this very moment. Throws `IdentityError` (`unwritable`).
 */
export const replaceOwnFile = (path: string, text: string, size: number): void => {
  try {
    const { file: before } = openRegularFile(path);
    try {
      writeWhole(path, text);
      const added = bytesFrom(before, size, fstatSync(before).size);
      if (added.length > 0) appendOwnFile(path, added.toString('utf8'));
    } finally {
      closeSync(before);
    }
  } catch (error) {
    throw asIdentityError(error, 'unwritable', `cannot write ${path}`);
  }
};

const makeOwnDirectory = (path: string): void => {
  makeDirectory(dirname(path));
};

const checkDirectory = (path: string): void => {
  checkOwner(dirname(path), statSync(dirname(path)), WRITE_MASK);
};
