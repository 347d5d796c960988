/**
 * Fetches a nats-server of Debian unstable for the tests of clusters, which need 2.11 or newer. Nothing is installed: the
 * program is unpacked into node_modules/.cache/nats-server. Without apt or a mirror, prints a line and exits with 0; those
 * tests are then skipped.
 */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findMirror } from './debianMirror.mjs';

const target = fileURLToPath(new URL('../node_modules/.cache/nats-server/', import.meta.url));
const program = join(target, 'nats-server');
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

const run = (command, args, options = {}) => execFileSync(command, args, { encoding: 'utf8', ...options });

const fetchProgram = (dir) => {
  const sources = join(dir, 'unstable.sources');
  writeFileSync(
    sources,
    `Types: deb\nURIs: ${findMirror()}\nSuites: unstable\nComponents: main\nSigned-By: ${KEYRING}\n`,
  );
  for (const each of ['lists/partial', 'cache/archives/partial'])
    mkdirSync(join(dir, each), { recursive: true });
  const options = [
    `Dir::Etc::sourcelist=${sources}`,
    'Dir::Etc::sourceparts=/dev/null',
    `Dir::State::lists=${join(dir, 'lists')}`,
    `Dir::Cache=${join(dir, 'cache')}`,
    'APT::Sandbox::User=root',
  ].flatMap((option) => ['-o', option]);
  run('apt-get', [...options, '-qq', 'update'], { cwd: dir, stdio: 'pipe' });
  run('apt-get', [...options, '-qq', 'download', 'nats-server'], { cwd: dir, stdio: 'pipe' });
  const archive = readdirSync(dir).find((name) => name.endsWith('.deb'));
  run('dpkg-deb', ['-x', join(dir, archive), join(dir, 'root')]);
  mkdirSync(target, { recursive: true });
  copyFileSync(join(dir, 'root/usr/sbin/nats-server'), program);
};

if (!existsSync(program)) {
  const dir = mkdtempSync(join(tmpdir(), 'rxchat-nats-'));
  try {
    fetchProgram(dir);
  } catch (error) {
    console.log(
      `NO NEWER NATS-SERVER, so the tests of clusters are skipped: ${error.message.split('\n')[0]}`,
    );
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
if (existsSync(program)) console.log(run(program, ['--version']).trim());
