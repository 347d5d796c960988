/**
 * Installs a small Debian into node_modules/.cache/debian-root for the test of the Debian package. Without debootstrap, root
 * or a mirror, prints a line and exits with 0; that test is then skipped.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findMirror } from './debianMirror.mjs';

/** The oldest release on which the package can be installed. */
const RELEASE = 'bookworm';
const target = fileURLToPath(new URL('../node_modules/.cache/debian-root', import.meta.url));
const unfinished = `${target}.new`;

if (!existsSync(target)) {
  try {
    mkdirSync(dirname(target), { recursive: true });
    rmSync(unfinished, { recursive: true, force: true });
    execFileSync(
      'debootstrap',
      ['--variant=minbase', '--include=adduser', RELEASE, unfinished, findMirror()],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    );
    renameSync(unfinished, target);
  } catch (error) {
    console.log(`NO DEBIAN, so the test of the Debian package is skipped: ${error.message.split('\n')[0]}`);
  }
}
if (existsSync(target)) console.log(`Debian ${RELEASE} for tests is installed`);
