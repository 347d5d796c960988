import { execFile } from 'node:child_process';
import { closeSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { errorCode } from '../../../../src/util/errors.js';
import type { RestartableRelay } from './restartableRelay.js';

/** A disk for a relay that becomes full, and is freed again. */
export interface Disk {
  readonly name: string;
  /** The program that starts the relay, so that its directory is on the disk. */
  readonly wrapper: (dir: string) => readonly string[];
  readonly fill: (relay: RestartableRelay) => Promise<void>;
  readonly free: (relay: RestartableRelay) => Promise<void>;
}

const exec = promisify(execFile);

/** Limits the size of all files that a running process writes. It can write nothing beyond the limit. */
const limitFiles = (pid: number, bytes: number | 'unlimited') =>
  exec('prlimit', ['--pid', String(pid), `--fsize=${bytes}:unlimited`]);

const limitedFileSize: Disk = {
  name: 'file size limit',
  wrapper: () => [],
  fill: async ({ child, dir }) => {
    await limitFiles(child.pid, statSync(join(dir, 'rooms.mdb')).size);
  },
  free: async ({ child }) => {
    await limitFiles(child.pid, 'unlimited');
  },
};

/** Behaves as a disk that has become read-only: files can be read, but no write succeeds. */
const readOnly: Disk = {
  name: 'every write rejected',
  wrapper: () => [],
  fill: async ({ child }) => {
    await limitFiles(child.pid, 0);
  },
  free: async ({ child }) => {
    await limitFiles(child.pid, 'unlimited');
  },
};

/** A mount that only its process sees. For root no user namespace is needed. */
const unshare = ['unshare', process.getuid?.() === 0 ? '-m' : '-rm', '--'];
const MOUNT = 'mount -t tmpfs -o size=48m none "$0" && exec "$@"';
const mounted = (dir: string): string[] => [...unshare, 'sh', '-c', MOUNT, dir];

/** Returns the path of a file next to the store, seen from outside. */
const ballast = ({ child, dir }: RestartableRelay) => `/proc/${child.pid}/root${join(dir, 'ballast')}`;

export const SMALL = 'full 48 MB disk';

const smallDisk: Disk = {
  name: SMALL,
  wrapper: mounted,
  fill: (relay) => {
    const file = openSync(ballast(relay), 'w');
    const bytes = Buffer.alloc(65_536, 'x');
    try {
      for (;;) writeSync(file, bytes);
    } catch (error) {
      if (errorCode(error) !== 'ENOSPC') throw error;
    } finally {
      closeSync(file);
    }
    return Promise.resolve();
  },
  free: (relay) => {
    rmSync(ballast(relay));
    return Promise.resolve();
  },
};

/** Returns whether a command exists and succeeds. */
export const runsOk = (command: string, ...args: string[]): Promise<boolean> =>
  exec(command, args).then(
    () => true,
    () => false,
  );

/** Whether there is `prlimit`, which changes the limits of a running process. */
export const hasPrlimit = (): Promise<boolean> => runsOk('prlimit', '--version');

/** The disks that this machine supports. */
export const disks = async (): Promise<readonly Disk[]> => {
  const mounts = await runsOk('env', ...mounted(tmpdir()), 'true');
  return [...((await hasPrlimit()) ? [limitedFileSize, readOnly] : []), ...(mounts ? [smallDisk] : [])];
};
