import { getSystemErrorMap } from 'node:util';
import { errorCode } from './transport/networkError.js';

/** Where the system's words say less than a person needs, or two codes are one thing to them. */
const WORDS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ENOTDIR: 'a part of the path is not a directory',
  EISDIR: 'it is a directory',
  EEXIST: 'something of that name exists already',
  EDQUOT: 'disk quota exceeded',
  EFBIG: 'a file may not grow that large here',
  EIO: 'the disk reports an input/output error',
  ENOTREG: 'it is not a file, but a pipe or a device',
  ENOTOURS: 'it is a link that another user made',
  ETOOLARGE: 'it is too large to be what belongs here',
};

/** The name and the words of an error: by its name, or by its number, which lmdb throws alone and without a sign. */
const describe = (errno: unknown, code: unknown): readonly [string, string] | undefined => {
  const number = typeof errno === 'number' ? errno : code;
  if (typeof number === 'number') return getSystemErrorMap().get(-Math.abs(number));
  return [...getSystemErrorMap().values()].find(([name]) => name === code);
};

const fieldOf = (error: unknown, field: 'errno' | 'code'): unknown =>
  // By its shape, since an error of another realm is no instance of this one's.
  typeof error === 'object' && error !== null && field in error
    ? (error as Readonly<Record<string, unknown>>)[field]
    : undefined;

/**
 * Returns why a call of the system failed, in words: `no such file or directory`. All commands, the history and the
 * files of keys use these words. Returns `undefined` if the error is none of the system.
 */
export const systemReason = (error: unknown): string | undefined => {
  const found = describe(fieldOf(error, 'errno'), fieldOf(error, 'code'));
  const [name, words] = found ?? [errorCode(error)];
  return (name === undefined ? undefined : WORDS[name]) ?? words;
};

/** The same for any error: without words it is its code, or `unknown`. Never repeats a message, which may hold a secret. */
export const systemFault = (error: unknown): string => systemReason(error) ?? errorCode(error) ?? 'unknown';
