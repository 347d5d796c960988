import { spawnSync } from 'node:child_process';
import { test } from '@jest/globals';

/**
 * Skips tests that need a program if it does not run with these arguments, and reports that. If the environment variable
 * is set, as in CI, they fail instead.
 */
export const withProgram = (
  variable: string,
  program: string,
  ...args: readonly string[]
): typeof test | typeof test.skip => {
  const { status } = spawnSync(program, args, { stdio: 'ignore' });
  if (status === 0) return test;
  const reason = `${[program, ...args].join(' ')} does not succeed on this machine`;
  if (process.env[variable] !== undefined) throw new Error(reason);
  console.warn(`SKIPPED: ${reason}, so ${program} checks nothing here`);
  return test.skip;
};
