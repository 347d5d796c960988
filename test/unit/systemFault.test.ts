import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { expect, test } from '@jest/globals';
import { reasonOf } from '../../src/history/errors.js';
import { systemFault, systemReason } from '../../src/systemFault.js';

const failing = (path: string): unknown => {
  try {
    return readFileSync(path);
  } catch (error) {
    return error;
  }
};

test('a fault of the system is told in words, without a path or a code', () => {
  expect(systemFault(failing('/nowhere/at/all'))).toBe('no such file or directory');
  expect(systemFault(failing('/'))).toBe('it is a directory');
});

test('what the system has no words for is told by its code, and what is no error of it, is unknown', () => {
  expect(systemFault(Object.assign(new Error('secret'), { code: 'ERR_ODD' }))).toBe('ERR_ODD');
  expect(systemFault(Object.assign(new Error('secret'), { code: 'EODD', errno: -99999 }))).toBe('EODD');
  expect(systemFault(new Error('secret'))).toBe('unknown');
  expect(systemFault(undefined)).toBe('unknown');
});

test('each fault has the same words, whether it came with a name, with a number, or as lmdb throws it', () => {
  for (const [name, errno, words] of [
    ['EACCES', -constants.errno.EACCES, 'permission denied'],
    ['EPERM', -constants.errno.EPERM, 'permission denied'],
    ['ENOSPC', -constants.errno.ENOSPC, 'no space left on device'],
    ['EROFS', -constants.errno.EROFS, 'read-only file system'],
    ['EDQUOT', -constants.errno.EDQUOT, 'disk quota exceeded'],
  ] as const) {
    expect(systemReason({ code: name, errno, message: 'secret' })).toBe(words);
    expect(systemReason({ code: name, message: 'secret' })).toBe(words);
    if (name !== 'EDQUOT') expect(systemReason({ code: -errno, message: 'secret' })).toBe(words);
    expect(reasonOf({ code: name, errno, message: 'secret' })).toBe(words);
  }
  expect(systemReason(new Error('lmdb: corrupted'))).toBeUndefined();
});
