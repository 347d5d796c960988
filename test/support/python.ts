import { spawnSync } from 'node:child_process';
import { test } from '@jest/globals';

const has = (python: string): boolean =>
  spawnSync(python, ['-c', 'import cryptography.fernet'], { stdio: 'ignore' }).status === 0;

/** A Python that has `cryptography`; `undefined` where there is none. */
export const PYTHON: string | undefined = ['python3', '/usr/bin/python3'].find(has);

/** For tests that need it: they are skipped without it, loudly. */
export const withPython = (what: string): typeof test | typeof test.skip => {
  if (PYTHON !== undefined) return test;
  console.warn(`SKIPPED: python3 has no cryptography here, so ${what}`);
  return test.skip;
};
