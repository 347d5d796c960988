import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { tempDir } from './child.js';
import { ROOT } from './packages.js';

/** A small installation of Debian, which `scripts/fetchDebian.mjs` creates. */
export const DEBIAN_ROOT: string = join(ROOT, 'node_modules/.cache/debian-root');

/** Copies the installation into a directory that is removed when the test ends. */
export const makeRoot = (): string => {
  const root = join(tempDir(), 'root');
  execFileSync('cp', ['-a', '--reflink=auto', DEBIAN_ROOT, root]);
  return root;
};

/** Returns a command that runs `chroot` with arguments. The process has the files of the root, and a /proc that goes with it. */
export const enterRoot = (root: string, ...args: readonly string[]): readonly [string, ...string[]] => [
  'unshare',
  ...['--mount', '--', 'sh', '-c', 'mount -t proc proc "$0/proc" && exec chroot "$@"', root, ...args],
];

/** What dpkg, adduser and Node write besides: logs, copies of an earlier state and caches. */
const OTHERS =
  /^\.\/(proc|tmp|run|dev|var\/(log|cache|lib\/dpkg|lib\/systemd))\/|^\.\/etc\/(passwd|group|shadow|gshadow)-$/;

/** Returns the paths of all files in a root, without those that any package would leave. */
export const listRoot = (root: string): readonly string[] =>
  execFileSync('find', ['.', '-xdev'], { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 26 })
    .split('\n')
    .filter((path) => !OTHERS.test(path))
    .sort();
