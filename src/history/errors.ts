import { getSystemErrorName } from 'node:util';
import { systemReason } from '../systemFault.js';

/**
 * What is wrong with a store:
 *
 * - `damaged`: what is in it is not what was put there, or is missing
 * - `in-use`: another relay has it
 * - `newer-version`: a newer rxchat made it
 * - `unwritable`, `unreadable`: the system refuses, or the disk is full
 * - `conflict`: a log was used by two at once, or a batch is none
 * - `closed`: it was used after it was closed
 * - `full`: it has as many rooms as it takes, and this would be a new one
 * - `failed`: it can store nothing any more; who opens it again may be able to
 */
export type HistoryErrorCode =
  | 'damaged'
  | 'in-use'
  | 'newer-version'
  | 'unwritable'
  | 'unreadable'
  | 'conflict'
  | 'closed'
  | 'full'
  | 'failed';

/** The store of the rooms' history is at fault. The message is one line for people and names the path. */
export class HistoryError extends Error {
  override readonly name = 'HistoryError';
  readonly code: HistoryErrorCode;
  /** What to do about it, where something can be done. */
  readonly hint: string | undefined;

  constructor(
    code: HistoryErrorCode,
    message: string,
    { hint = HINTS[code], cause }: { readonly hint?: string | undefined; readonly cause?: unknown } = {},
  ) {
    super(message, { cause });
    this.code = code;
    this.hint = hint;
  }
}

const HINTS: Readonly<Partial<Record<HistoryErrorCode, string>>> = {
  damaged: 'put a backup of the whole directory in its place, or move it away to begin with empty rooms',
  'in-use': 'stop the other relay, or choose another directory',
  'newer-version': 'use the newer rxchat',
  unwritable: 'make room on the disk and the directory writable, or choose another directory',
  unreadable: 'make the directory and its files readable, or choose another directory',
  failed: 'look into the log of the system for errors of the disk, and start the relay again',
};

/** Where lmdb's own error codes begin and end; others are those of the system. */
const LMDB_FIRST = -30_799;
const LMDB_LAST = -30_700;

/** What lmdb says where a file is not what it wrote: no such page, corrupted, other version, invalid. */
const LMDB_DAMAGE: readonly number[] = [-30_797, -30_796, -30_794, -30_793];

const codeOf = (error: unknown): unknown =>
  // Told by its shape, since an error of another realm (a vm, a test) is no instance of this one's `Error`.
  typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;

const textOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : String(error);

/** An error of the system or of lmdb in words. */
export const reasonOf = (error: unknown): string => systemReason(error) ?? textOf(error);

/** `damaged` where lmdb says so, else what was attempted: the code for an error that it threw. */
const codeFor = (error: unknown, attempted: 'unwritable' | 'unreadable'): HistoryErrorCode => {
  const code = codeOf(error);
  if (typeof code !== 'number' || code < LMDB_FIRST || code > LMDB_LAST) return attempted;
  return LMDB_DAMAGE.includes(code) ? 'damaged' : attempted;
};

/** Whatever was thrown as a `HistoryError` about a path. */
export const historyError = (
  error: unknown,
  path: string,
  attempted: 'unwritable' | 'unreadable',
): HistoryError => {
  if (error instanceof HistoryError) return error;
  const code = codeFor(error, attempted);
  if (code === 'damaged') return damaged(path, reasonOf(error));
  return new HistoryError(
    code,
    `cannot ${code === 'unwritable' ? 'store in' : 'read'} ${path}: ${reasonOf(error)}`,
    { cause: error },
  );
};

/** What passes once there is room: the disk, a quota, a limit on the size of files. */
const FULL: readonly unknown[] = ['ENOSPC', 'EDQUOT', 'EFBIG'];

/** Whether something was not stored because there is no room for it. */
export const isFull = (error: unknown): boolean => {
  const code = codeOf(error instanceof HistoryError ? error.cause : error);
  return FULL.includes(typeof code === 'number' && code > 0 ? getSystemErrorName(-code) : code);
};

/** A store is not what it was. */
export const damaged = (path: string, what: string): HistoryError =>
  new HistoryError('damaged', `the history in ${path} is damaged: ${what}`);

/** A store is one of a newer rxchat. */
export const newerVersion = (dir: string, version: number, known: number): HistoryError =>
  new HistoryError(
    'newer-version',
    `the history in ${dir} has version ${version}, and this rxchat knows ${known}`,
  );
