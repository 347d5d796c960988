import { afterEach, expect, test as always } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { start, tempDir } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { DEBIAN_ROOT, makeRoot } from './support/debianRoot.js';
import { buildImage, copyContext, type Image } from './support/dockerfile.js';
import { runProgram } from './support/packageFixture.js';
import { missingPrograms, readRoom, ROOT, sendLine, skipPackages } from './support/packages.js';

afterEach(cleanUp);

const missing = missingPrograms('git', 'unshare', 'nsenter', 'ip');
const test =
  missing.length === 0 && existsSync(DEBIAN_ROOT) && process.getuid?.() === 0
    ? always
    : skipPackages(
        `the Dockerfile is not tested: it needs ${missing.join()} root, and node scripts/fetchDebian.mjs`,
      );

const npm = (...args: readonly string[]): string => execFileSync('npm', args, { encoding: 'utf8' }).trim();

/** Creates what stands for the image of Node: a small Debian, and Node with npm from this machine. */
const pullNode = (image: string): string => {
  expect(image).toMatch(/^node:\d+-bookworm-slim$/);
  const root = makeRoot();
  const local = join(root, 'usr/local');
  cpSync(process.execPath, join(local, 'bin/node'));
  cpSync(join(npm('root', '--global'), 'npm'), join(local, 'lib/node_modules/npm'), { recursive: true });
  symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(local, 'bin/npm'));
  mkdirSync(join(root, 'npm-cache'));
  return root;
};

/** Runs a command in an image without any network. What npm has fetched before stands for its registry. */
const runOffline = ({ root, env, workDir }: Image, command: string): void => {
  const settings = { ...env, npm_config_cache: '/npm-cache', npm_config_offline: 'true', HOME: '/root' };
  const script =
    'mount -t proc proc "$0/proc" && mount --bind "$1" "$0/npm-cache" && shift && exec chroot "$@"';
  execFileSync(
    'unshare',
    [
      ...[
        '--mount',
        '--net',
        '--',
        'sh',
        '-c',
        script,
        root,
        npm('config', 'get', 'cache'),
        root,
        'env',
        '-i',
      ],
      ...[
        'PATH=/usr/local/bin:/usr/bin:/bin',
        ...Object.entries(settings).map(([key, value]) => `${key}=${value}`),
      ],
      ...['sh', '-c', `cd "$0" && ${command}`, workDir],
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
};

/** Fetches what package-lock.json names into the cache of npm. */
const fillCache = (): void => {
  const dir = tempDir();
  for (const name of ['package.json', 'package-lock.json']) cpSync(join(ROOT, name), join(dir, name));
  execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: dir, stdio: 'ignore' });
};

/** Runs a step offline, and once again if the cache of npm may have lacked something. */
const runStep = (image: Image, command: string): void => {
  try {
    runOffline(image, command);
  } catch {
    fillCache();
    runOffline(image, command);
  }
};

/** Returns a command that starts a container: as process 1 of its own, with a network of its own. */
const container = ({ root, user, env }: Image, command: readonly string[]): readonly string[] => [
  ...['unshare', '--mount', '--net', '--pid', '--fork', '--kill-child', '--', 'sh', '-c'],
  'mount -t proc proc "$0/proc" && ip link set lo up && exec chroot "$@"',
  ...[root, `--userspec=${user}`, root, 'env', '-i', 'PATH=/usr/local/bin:/usr/bin:/bin'],
  ...Object.entries(env).map(([key, value]) => `${key}=${value}`),
  ...command,
];

test('the steps of the Dockerfile work without a network, and its command serves as process 1', async () => {
  const context = tempDir();
  copyContext(ROOT, join(ROOT, 'packaging/Dockerfile.dockerignore'), context);
  const dockerfile = readFileSync(join(ROOT, 'packaging/Dockerfile'), 'utf8');
  const image = buildImage(dockerfile, { context, pull: pullNode, run: runStep });
  const [volume = ''] = image.volumes;
  expect(statSync(join(image.root, volume)).uid).toBe(Number(image.user.split(':')[0]));
  expect(existsSync(join(image.root, 'build'))).toBe(false);

  const [program = '', ...args] = container(image, [...image.entrypoint, ...image.command]);
  const relay = start(program, args);
  await relay.out.until(({ text }) => text.includes('metrics on http://127.0.0.1:9464/metrics'));
  const [, pin = ''] = await relay.err.until(({ text }) => /--pin=(\S+)/.exec(text));
  const children = `/proc/${relay.pid}/task/${relay.pid}/children`;
  const pid = readFileSync(children, 'utf8').trim();
  const inside = ['nsenter', '--net', '--target', pid];

  const [ask = '', ...health] = [...inside, 'chroot', image.root, ...image.healthcheck];
  expect(await start(ask, health).exit).toBe(0);
  const command = [...inside, process.execPath, join(ROOT, 'dist/bin/rxchat.js')];
  const room = await runProgram(
    '/',
    command[0]!,
    ...command.slice(1),
    'invite',
    '--host',
    '127.0.0.1',
    `--pin=${pin}`,
  );
  await sendLine(command, room.trim(), 'hello');
  expect(await readRoom(command, room.trim())).toStrictEqual(['alice: hello']);
  expect(existsSync(join(image.root, volume, 'rxchat/rooms.mdb'))).toBe(true);

  process.kill(Number(pid), 'SIGTERM');
  expect(await relay.exit).toBe(0);
  expect(relay.err.text).toContain('stopping: delivering accepted messages');
  expect(await start(ask, health).exit).not.toBe(0);
});
