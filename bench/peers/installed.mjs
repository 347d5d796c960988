import { spawnSync } from 'node:child_process';

/** Returns the version that a program reports, or `undefined` if it is not installed. */
export const versionOf = (program, ...args) => {
  const { error, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  return error ? undefined : (/\d+(\.\d+)+/.exec(stdout + stderr)?.[0] ?? 'unknown');
};
