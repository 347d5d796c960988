import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { systemFault } from '../../src/systemFault.js';

const failing = (path: string): unknown => {
  try {
    return readFileSync(path);
  } catch (error) {
    return error;
  }
};

test('a fault of the system is told in words, without a path or a code', () => {
  expect(systemFault(failing('/nowhere/at/all'))).toBe('no such file or directory');
  expect(systemFault(failing('/'))).toBe('illegal operation on a directory');
});

test('what the system has no words for is told by its code, and what is no error of it, is unknown', () => {
  expect(systemFault(Object.assign(new Error('secret'), { code: 'ERR_ODD' }))).toBe('ERR_ODD');
  expect(systemFault(Object.assign(new Error('secret'), { code: 'EODD', errno: -99999 }))).toBe('EODD');
  expect(systemFault(new Error('secret'))).toBe('unknown');
  expect(systemFault(undefined)).toBe('unknown');
});
