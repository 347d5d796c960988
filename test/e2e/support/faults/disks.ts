import { execFile } from 'node:child_process';
import { closeSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { errorCode } from '../../../../src/transport/networkError.js';
import type { LastingRelay } from './lastingRelay.js';

/** A disk for a relay that gets full, and has room again. */
export interface Disk {
  readonly name: string;
  /** What the relay is started by, so that its directory is there. */
  readonly by: (dir: string) => readonly string[];
  readonly fill: (relay: LastingRelay) => Promise<void>;
  readonly free: (relay: LastingRelay) => Promise<void>;
}

const exec = promisify(execFile);

/** Lets no file of a running process grow beyond so many bytes; nor be written there. */
const limitFiles = (pid: number, bytes: number | 'unlimited') =>
  exec('prlimit', ['--pid', String(pid), `--fsize=${bytes}:unlimited`]);

const limited: Disk = {
  name: 'a limit on the size of files',
  by: () => [],
  fill: async ({ child, dir }) => {
    await limitFiles(child.pid, statSync(join(dir, 'rooms.mdb')).size);
  },
  free: async ({ child }) => {
    await limitFiles(child.pid, 'unlimited');
  },
};

/** As one that became read-only: what its files are can be read, and none of them be written, wherever in it. */
const stuck: Disk = {
  name: 'no writing at all',
  by: () => [],
  fill: async ({ child }) => {
    await limitFiles(child.pid, 0);
  },
  free: async ({ child }) => {
    await limitFiles(child.pid, 'unlimited');
  },
};

/** A mount that the one who starts it alone sees; root needs no other user's eyes for it. */
const unshare = ['unshare', process.getuid?.() === 0 ? '-m' : '-rm', '--'];
const MOUNT = 'mount -t tmpfs -o size=48m none "$0" && exec "$@"';
const mounted = (dir: string): string[] => [...unshare, 'sh', '-c', MOUNT, dir];

/** A file beside the store, seen from outside. */
const ballast = ({ child, dir }: LastingRelay) => `/proc/${child.pid}/root${join(dir, 'ballast')}`;

export const SMALL = 'a disk of 48 MB';

const small: Disk = {
  name: SMALL,
  by: mounted,
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

/** Whether a command is there, and ends well. */
export const works = (command: string, ...args: string[]): Promise<boolean> =>
  exec(command, args).then(
    () => true,
    () => false,
  );

/** Whether there is a `prlimit`, which changes the limits of a process that runs. */
export const hasPrlimit = (): Promise<boolean> => works('prlimit', '--version');

/** The disks that can be had here. */
export const disks = async (): Promise<readonly Disk[]> => {
  const mounts = await works('env', ...mounted(tmpdir()), 'true');
  return [...((await hasPrlimit()) ? [limited, stuck] : []), ...(mounts ? [small] : [])];
};
