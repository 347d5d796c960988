import { afterEach, expect, test as always } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { tempDir } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { runProgram } from './support/packageFixture.js';
import { missingPrograms, ROOT, skipPackages } from './support/packages.js';

afterEach(cleanUp);

const missing = missingPrograms('dpkg-deb', 'git', 'strip', 'tar', 'gzip');
const test =
  missing.length === 0 && process.arch === 'x64'
    ? always
    : skipPackages(`that builds are reproducible is not tested: ${missing.join()} missing, or not on x64`);

/** Copies the sources and the installed packages, with new times. */
const copySources = (): string => {
  const dir = join(tempDir(), 'sources');
  const list = ['ls-files', '--cached', '--others', '--exclude-standard'];
  for (const path of execFileSync('git', list, { cwd: ROOT, encoding: 'utf8' }).trim().split('\n')) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    cpSync(join(ROOT, path), join(dir, path));
  }
  // Links are followed for each file, so that the bundler sees a directory of the same form.
  execFileSync('sh', [
    '-c',
    'cp -al "$0" "$1" 2> /dev/null || cp -a "$0" "$1"',
    join(ROOT, 'node_modules'),
    dir,
  ]);
  return dir;
};

/** Builds and packs in a directory with a umask, and returns the hash of each package. */
const buildAll = async (umask: string, zone: string) => {
  const dir = copySources();
  const script = `umask ${umask} && npm run --silent build && node packaging/build.mjs --out packages`;
  const settings = ['SOURCE_DATE_EPOCH=1796000000', `TZ=${zone}`];
  await runProgram(dir, 'env', ...settings, 'sh', '-c', script);
  const out = join(dir, 'packages');
  return readdirSync(out).map((name) => [
    name,
    createHash('sha256')
      .update(readFileSync(join(out, name)))
      .digest('hex'),
  ]);
};

test('two builds in other directories, with another umask and time zone, give the same bytes', async () => {
  const first = await buildAll('022', 'UTC');
  expect(first.map(([name]) => name)).toStrictEqual([
    'rxchat-0.1.0-linux-x64.tar.gz',
    'rxchat-0.1.0.cdx.json',
    'rxchat-0.1.0.tgz',
    'rxchat_0.1.0-1_amd64.deb',
  ]);
  expect(await buildAll('077', 'Asia/Tokyo')).toStrictEqual(first);
});
