import { closeSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { randomText } from '../crypto/random.js';
import { errorCode } from '../transport/networkError.js';

/** How often, and for how many ms at a time, to wait for another process that is writing the file just now. */
const TRIES = 100;
const WAIT_MS = 10;

/**
 * Makes a file, mode 0600, with all of its text or not at all. Returns whether it did: a file that exists is left alone,
 * and of several processes that do so at once one makes it. Throws errors of the system.
 */
export const createFile = (path: string, text: string): boolean => {
  const part = join(dirname(path), `.rxchat-${randomText(9)}.part`);
  try {
    writeNew(part, text);
    return linked(part, path) ?? createInPlace(path, text);
  } finally {
    rmSync(part, { force: true });
  }
};

/** A link, for a rename would replace the file of whoever was faster. `undefined`: there are no links here. */
const linked = (part: string, path: string): boolean | undefined => {
  try {
    linkSync(part, path);
    syncDirectory(dirname(path));
    return true;
  } catch (error) {
    return errorCode(error) === 'EEXIST' ? false : undefined;
  }
};

/** FAT, some network file systems and Android have no hard links. */
const createInPlace = (path: string, text: string): boolean => {
  try {
    writeNew(path, text);
    return true;
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') {
      removeEmpty(path);
      throw error;
    }
    waitForText(path);
    return false;
  }
};

/** What was begun and could not be written is no file: it would be taken for a damaged one. */
const removeEmpty = (path: string): void => {
  if (readOr(path, '.') === '') rmSync(path, { force: true });
};

const waitForText = (path: string): void => {
  const nothing = new Int32Array(new SharedArrayBuffer(4));
  for (let tries = 0; tries < TRIES && readOr(path, '') === ''; tries += 1)
    Atomics.wait(nothing, 0, 0, WAIT_MS);
};

const readOr = (path: string, otherwise: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return otherwise;
  }
};

const writeNew = (path: string, text: string): void => {
  const file = openSync(path, 'wx', 0o600);
  try {
    writeFileSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
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
