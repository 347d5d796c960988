import { afterAll, afterEach, beforeAll, expect, test as always } from '@jest/globals';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cleanUp } from './support/cleanup.js';
import { DEBIAN_ROOT, enterRoot, listRoot, makeRoot } from './support/debianRoot.js';
import { runProgram, tempProject, type TempProject } from './support/packageFixture.js';
import {
  buildPackages,
  missingPrograms,
  readRoom,
  ROOT,
  sendLine,
  skipPackages,
  startPackaged,
} from './support/packages.js';
import { newRoom, viaPort } from './support/relay.js';

const missing = missingPrograms('dpkg-deb', 'strip', 'lintian', 'objdump');
const isBuilt = missing.length === 0 && process.arch === 'x64';
const reason =
  'the Debian package is not tested: it needs Linux on x64, ' +
  (missing.length > 0 ? missing.join() : 'root, and node scripts/fetchDebian.mjs');
const test = isBuilt ? always : skipPackages(reason);
const testInRoot =
  isBuilt && existsSync(DEBIAN_ROOT) && process.getuid?.() === 0 ? always : skipPackages(reason);

const RXCHAT_HERE = [process.execPath, join(ROOT, 'dist/bin/rxchat.js')];

let place: TempProject;
let deb: string;
/** The same package with a higher version. */
let newer: string;

beforeAll(async () => {
  place = tempProject();
  if (!isBuilt) return;
  await buildPackages(place.path, 'deb');
  deb = join(place.path, 'rxchat_0.1.0-1_amd64.deb');
  const unpacked = join(place.path, 'unpacked');
  await runProgram(place.path, 'dpkg-deb', '--raw-extract', deb, unpacked);
  const control = join(unpacked, 'DEBIAN/control');
  writeFileSync(control, readFileSync(control, 'utf8').replace('Version: 0.1.0-1', 'Version: 0.1.1-1'));
  newer = join(place.path, 'newer.deb');
  await runProgram(place.path, 'dpkg-deb', '--root-owner-group', '-Zgzip', '-z1', '--build', unpacked, newer);
});
afterAll(() => place.remove());
afterEach(cleanUp);

test('lintian finds no error and no warning, and no override without use', async () => {
  const flags = ['--allow-root', '--display-info', '--fail-on', 'error,warning'];
  const found = await runProgram(place.path, 'lintian', ...flags, deb);
  expect(found).toContain('I: rxchat:');
  expect(found).not.toMatch(/unused-override|mismatched-override/);
});

test('the binaries need no newer glibc and libstdc++ than the package and its documentation say', async () => {
  const unpacked = join(place.path, 'unpacked/usr/lib/rxchat');
  const modules = join(unpacked, 'node_modules');
  const binaries = [
    join(unpacked, 'node'),
    join(modules, '@lmdb/lmdb-linux-x64/node.napi.glibc.node'),
    join(modules, '@msgpackr-extract/msgpackr-extract-linux-x64/node.napi.glibc.node'),
  ];
  const symbols = await runProgram(place.path, 'objdump', '-T', ...binaries);
  const newest = (name: RegExp): number =>
    Math.max(...[...symbols.matchAll(name)].map(([, version]) => Number(version)));
  expect([newest(/GLIBC_2\.(\d+)/g), newest(/GLIBCXX_3\.4\.(\d+)/g)]).toStrictEqual([34, 29]);
  // GCC 11 was the first with GLIBCXX_3.4.29.
  expect(await runProgram(place.path, 'dpkg-deb', '--field', deb, 'Depends')).toBe(
    'adduser, libc6 (>= 2.34), libgcc-s1, libstdc++6 (>= 11)\n',
  );
  expect(readFileSync(join(ROOT, 'docs/operations.md'), 'utf8')).toContain('glibc 2.34 or newer');
});

test('the unit differs from that of the documentation in the path of the command, and in where its flags are', () => {
  const lines = (path: string): readonly string[] => readFileSync(path, 'utf8').split('\n');
  const documented = lines(join(ROOT, 'docs/operations/rxchat.service'));
  const packaged = lines(join(place.path, 'unpacked/usr/lib/systemd/system/rxchat.service'));
  expect(packaged.filter((line) => !documented.includes(line))).toStrictEqual([
    '# A relay under systemd.',
    '# All other flags are in /etc/rxchat/config.json.',
    'ExecStart=/usr/bin/rxchat serve --data ${STATE_DIRECTORY}',
  ]);
  expect(documented.filter((line) => !packaged.includes(line))).toHaveLength(4);
});

/** Records what the maintainer scripts ask of systemd, which does not run in a chroot. */
const SYSTEMCTL = `#!/bin/sh
echo "$*" >> /systemctl.log
case "$*" in *is-enabled*) echo enabled;; *is-active*) exit 3;; esac
`;

/** Returns the command of the installed unit, with the user and environment that systemd would set. */
const unitCommand = (root: string): readonly string[] => {
  const unit = readFileSync(join(root, 'usr/lib/systemd/system/rxchat.service'), 'utf8');
  const field = (name: string): string => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1] ?? '';
  const [user, group, state] = [field('User'), field('Group'), field('StateDirectory')];
  const command = field('ExecStart').replaceAll('${STATE_DIRECTORY}', `/var/lib/${state}`).split(' ');
  return [`--userspec=${user}:${group}`, root, 'env', '-i', field('Environment'), ...command];
};

testInRoot(
  'the package is installed, serves, is upgraded with its messages and settings, and is purged without a trace',
  async () => {
    const root = makeRoot();
    const before = listRoot(root);
    for (const [name, file] of Object.entries({ 'rxchat.deb': deb, 'newer.deb': newer }))
      copyFileSync(file, join(root, name));
    writeFileSync(join(root, 'usr/bin/systemctl'), SYSTEMCTL);
    chmodSync(join(root, 'usr/bin/systemctl'), 0o755);
    mkdirSync(join(root, 'run/systemd/system'), { recursive: true });
    const requests = (): readonly string[] => {
      const text = readFileSync(join(root, 'systemctl.log'), 'utf8');
      rmSync(join(root, 'systemctl.log'));
      return text.split('\n').filter((line) => /\b(re)?(start|stop)\b/.test(line));
    };
    const dpkg = (...args: readonly string[]) => runProgram('/', ...enterRoot(root, root, 'dpkg', ...args));

    await dpkg('--install', '/rxchat.deb');
    expect(requests()).toStrictEqual(['--quiet --system restart rxchat.service']);
    expect(await runProgram('/', ...enterRoot(root, root, 'rxchat', '--version'))).toBe('0.1.0\n');

    const config = join(root, 'etc/rxchat/config.json');
    const settings = readFileSync(config, 'utf8').replace('"metrics": "9464"', '"metrics": "0", "port": 0');
    writeFileSync(config, settings);
    const first = await startPackaged(enterRoot(root, ...unitCommand(root)));
    const [, metrics = ''] = await first.child.out.until(({ text }) =>
      /^metrics on (\S+)metrics$/m.exec(text),
    );
    expect((await fetch(`${metrics}readyz`)).status).toBe(200);
    const room = newRoom(first.port);
    await sendLine(RXCHAT_HERE, room.text, 'hello');
    first.child.signal('SIGTERM');
    expect(await first.child.exit).toBe(0);

    await dpkg('--install', '/newer.deb');
    expect(requests()).toStrictEqual(['--quiet --system restart rxchat.service']);
    expect(readFileSync(config, 'utf8')).toBe(settings);
    const second = await startPackaged(enterRoot(root, ...unitCommand(root)));
    expect(await readRoom(RXCHAT_HERE, viaPort(second.port, room).text)).toStrictEqual(['alice: hello']);
    second.child.signal('SIGTERM');
    expect(await second.child.exit).toBe(0);

    await dpkg('--remove', 'rxchat');
    expect(requests()).toStrictEqual(['stop rxchat.service']);
    expect(existsSync(join(root, 'usr/bin/rxchat'))).toBe(false);
    expect([config, join(root, 'var/lib/rxchat/rooms.mdb')].map((path) => existsSync(path))).toEqual([
      true,
      true,
    ]);

    await dpkg('--purge', 'rxchat');
    for (const name of ['rxchat.deb', 'newer.deb', 'systemctl.log', 'usr/bin/systemctl'])
      rmSync(join(root, name), { force: true });
    expect(listRoot(root)).toStrictEqual(before);
    expect(readFileSync(join(root, 'etc/passwd'), 'utf8')).not.toContain('rxchat');
  },
);
