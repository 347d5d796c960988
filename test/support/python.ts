import { spawnSync } from 'node:child_process';
import { test } from '@jest/globals';

/**
 * Finds the path of Python, since the name may stand for a script that looks for it. Returns `undefined` without
 * `cryptography`.
 */
const executable = (python: string): string | undefined => {
  const code = 'import sys, cryptography.fernet; print(sys.executable)';
  const { status, stdout } = spawnSync(python, ['-c', code], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
};

/** A Python that has `cryptography`, or `undefined` if there is no such Python. */
export const PYTHON: string | undefined = executable('python3') ?? executable('/usr/bin/python3');

/** Skips tests that need Python if it is missing, and reports that. */
export const withPython = (what: string): typeof test | typeof test.skip => {
  if (PYTHON !== undefined) return test;
  console.warn(`SKIPPED: python3 has no cryptography here, so ${what}`);
  return test.skip;
};
