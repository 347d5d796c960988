/** The server has one core, all that drives it the other: else they take from each other what is measured. */
import { execFileSync, spawnSync } from 'node:child_process';

export const SERVER_CORE = 0;
export const OWN_CORE = 1;

const taskset = spawnSync('taskset', ['--version']).error === undefined;
export const canPin = taskset && (await import('node:os')).availableParallelism() > 1;

/** @returns {[string, string[]]} */
export const onCore = (core, [program, ...args]) =>
  canPin ? ['taskset', ['-c', String(core), program, ...args]] : [program, args];

export const pinSelf = () => {
  if (canPin) execFileSync('taskset', ['-a', '-p', '-c', String(OWN_CORE), String(process.pid)]);
};
