import { getSystemErrorName } from 'node:util';
import { systemErrorText } from '../../util/errors.js';

/**
 * The reason for a failure of the store:
 *
 * - `damaged`: the content is not what was stored, or is missing
 * - `in-use`: another relay uses it
 * - `newer-version`: a newer rxchat wrote it
 * - `unwritable`, `unreadable`: the system denies access, or the disk is full
 * - `conflict`: two users of one log, or an invalid batch
 * - `closed`: used after it was closed
 * - `full`: the maximum number of rooms is reached
 * - `failed`: it cannot store anything any more; opening it again may help
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

/** A failure of the stored history. The message is one line and names the path. */
export class HistoryError extends Error {
  override readonly name = 'HistoryError';
  readonly code: HistoryErrorCode;
  /** What the operator can do, if anything. */
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
  damaged: 'restore a backup, or save what can be read with check --salvage DIR',
  'in-use': 'stop the other relay, or choose another directory',
  'newer-version': 'use the newer rxchat',
  unwritable: 'free disk space and make the directory writable, or choose another directory',
  unreadable: 'make the directory and its files readable, or choose another directory',
  failed: 'check the system log for disk errors, then restart the relay',
};

/** Range of the error codes of lmdb. Other codes are those of the system. */
const LMDB_FIRST = -30_799;
const LMDB_LAST = -30_700;

/** Codes of lmdb for a damaged file: page not found, corrupted, version mismatch, invalid. */
const LMDB_DAMAGE: readonly number[] = [-30_797, -30_796, -30_794, -30_793];

const readCode = (error: unknown): unknown =>
  // Read by shape, since an error of another realm (a vm, a test) is not an instance of this `Error`.
  typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;

const readMessage = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : String(error);

/** Describes an error of the system or of lmdb. */
export const describeError = (error: unknown): string => systemErrorText(error) ?? readMessage(error);

/** Returns `damaged` if lmdb reports damage, else `attempted`. */
const classifyError = (error: unknown, attempted: 'unwritable' | 'unreadable'): HistoryErrorCode => {
  const code = readCode(error);
  if (typeof code !== 'number' || code < LMDB_FIRST || code > LMDB_LAST) return attempted;
  return LMDB_DAMAGE.includes(code) ? 'damaged' : attempted;
};

/** Converts any error into a `HistoryError` about a path. */
export const historyError = (
  error: unknown,
  path: string,
  attempted: 'unwritable' | 'unreadable',
): HistoryError => {
  if (error instanceof HistoryError) return error;
  const code = classifyError(error, attempted);
  if (code === 'damaged') return damagedError(path, describeError(error));
  return new HistoryError(
    code,
    `cannot ${code === 'unwritable' ? 'store in' : 'read'} ${path}: ${describeError(error)}`,
    { cause: error },
  );
};

/** Errors that end once there is space: disk, quota, file size limit. */
const OUT_OF_SPACE_CODES: readonly unknown[] = ['ENOSPC', 'EDQUOT', 'EFBIG'];

/** Whether a write failed for lack of space. */
export const isOutOfSpace = (error: unknown): boolean => {
  const code = readCode(error instanceof HistoryError ? error.cause : error);
  return OUT_OF_SPACE_CODES.includes(typeof code === 'number' && code > 0 ? getSystemErrorName(-code) : code);
};

/** Creates the error for a damaged store. */
export const damagedError = (path: string, problem: string): HistoryError =>
  new HistoryError('damaged', `the history in ${path} is damaged: ${problem}`);

/** Creates the error for a store of a newer rxchat. */
export const newerVersionError = (dir: string, version: number, known: number): HistoryError =>
  new HistoryError(
    'newer-version',
    `the history in ${dir} has version ${version}, but this rxchat supports only ${known}`,
  );

/** Number of failed transactions in a row, and the monotonic time of the first in ms. */
export interface FailureState {
  readonly since: number;
  readonly count: number;
}

/** A store is given up after this many failed transactions in a row over this many ms. */
const MIN_FAILURES = 3;
const MIN_FAILING_MS = 30_000;

/** Returns the state after a transaction: `undefined` if it was stored, or failed for lack of space only. */
export const nextFailureState = (
  before: FailureState | undefined,
  error: unknown,
  now: number,
): FailureState | undefined =>
  error === undefined || isOutOfSpace(error)
    ? undefined
    : { since: before?.since ?? now, count: (before?.count ?? 0) + 1 };

/** Whether to give up a store. On a full disk the relay waits, since it can still serve readers. */
export const shouldGiveUp = (state: FailureState | undefined, now: number): boolean =>
  state !== undefined && state.count >= MIN_FAILURES && now - state.since >= MIN_FAILING_MS;

/** Creates the error with which a store is given up. */
export const storeFailedError = (dir: string, cause: unknown): HistoryError =>
  new HistoryError(
    'failed',
    `the history in ${dir} cannot store anything any more: ${describeError(rootCause(cause))}`,
    {
      cause,
    },
  );

const rootCause = (error: unknown): unknown =>
  error instanceof HistoryError && error.cause !== undefined ? error.cause : error;
