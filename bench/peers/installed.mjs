import { spawnSync } from 'node:child_process';

/** The version that a program names itself, or `undefined` where it is not installed. */
export const versionOf = (program, ...args) => {
  const { error, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  return error ? undefined : (/\d+(\.\d+)+/.exec(stdout + stderr)?.[0] ?? 'unknown');
};
