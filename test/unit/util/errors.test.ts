import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { expect, test } from '@jest/globals';
import { describeError } from '../../../src/history/layout/errors.js';
import { describeSystemError, systemErrorText } from '../../../src/util/errors.js';

const failing = (path: string): unknown => {
  try {
    return readFileSync(path);
  } catch (error) {
    return error;
  }
};

test('a system error is described in words, without path or code', () => {
  expect(describeSystemError(failing('/nowhere/at/all'))).toBe('no such file or directory');
  expect(describeSystemError(failing('/'))).toBe('it is a directory');
});

test('a system error without a text is described by its code, and any other error as unknown', () => {
  expect(describeSystemError(Object.assign(new Error('secret'), { code: 'ERR_ODD' }))).toBe('ERR_ODD');
  expect(describeSystemError(Object.assign(new Error('secret'), { code: 'EODD', errno: -99999 }))).toBe(
    'EODD',
  );
  expect(describeSystemError(new Error('secret'))).toBe('unknown');
  expect(describeSystemError(undefined)).toBe('unknown');
});

test('a system error has the same text, given by name, by number or as lmdb throws it', () => {
  for (const [name, errno, words] of [
    ['EACCES', -constants.errno.EACCES, 'permission denied'],
    ['EPERM', -constants.errno.EPERM, 'permission denied'],
    ['ENOSPC', -constants.errno.ENOSPC, 'no space left on device'],
    ['EROFS', -constants.errno.EROFS, 'read-only file system'],
    ['EDQUOT', -constants.errno.EDQUOT, 'disk quota exceeded'],
  ] as const) {
    expect(systemErrorText({ code: name, errno, message: 'secret' })).toBe(words);
    expect(systemErrorText({ code: name, message: 'secret' })).toBe(words);
    if (name !== 'EDQUOT') expect(systemErrorText({ code: -errno, message: 'secret' })).toBe(words);
    expect(describeError({ code: name, errno, message: 'secret' })).toBe(words);
  }
  expect(systemErrorText(new Error('lmdb: corrupted'))).toBeUndefined();
});
