/** The server has one core and the load generator the other, so that they do not compete. */
import { execFileSync, spawnSync } from 'node:child_process';

export const SERVER_CORE = 0;
export const OWN_CORE = 1;

export const canPin = [SERVER_CORE, OWN_CORE].every(
  (core) => spawnSync('taskset', ['-c', String(core), 'true']).status === 0,
);

/** @returns {[string, string[]]} */
export const onCore = (core, [program, ...args]) =>
  canPin ? ['taskset', ['-c', String(core), program, ...args]] : [program, args];

export const pinSelf = () => {
  if (canPin) execFileSync('taskset', ['-a', '-p', '-c', String(OWN_CORE), String(process.pid)]);
};
