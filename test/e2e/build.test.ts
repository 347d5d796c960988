import { afterEach, expect, test } from '@jest/globals';
import { copyFileSync, cpSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { tempDir, run, RXCHAT, start } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { HANG_MS } from './support/streamOutput.js';

afterEach(cleanUp);

const root = fileURLToPath(new URL('../..', import.meta.url));

const until = async (is: () => boolean): Promise<void> => {
  for (const began = performance.now(); !is(); await setTimeout(10))
    if (performance.now() - began > HANG_MS) throw new Error(`never: ${String(is)}`);
};

test('the launcher prints one line when the program is missing', async () => {
  const dir = tempDir();
  for (const name of ['rxchat.js', 'package.json'])
    copyFileSync(join(dirname(RXCHAT), name), join(dir, name));
  const command = start(process.execPath, [join(dir, 'rxchat.js'), 'join']);
  expect(await command.exit).toBe(1);
  expect([command.out.text, command.err.text]).toStrictEqual([
    '',
    'rxchat: not built yet; run npm ci && npm run build\n',
  ]);
  expect((await run(['--version'])).code).toBe(0);
});

/** Replaces the compiler: reports its turn, and fails on request or when nobody waits for it. */
const COMPILER = `const { existsSync, writeFileSync } = require('node:fs');
const parent = process.ppid;
writeFileSync('compiling', '');
setInterval(() => (existsSync('go') || process.ppid !== parent) && process.exit(1), 20);`;

test('the launcher exists before everything else is built, and during a rebuild', async () => {
  const dir = tempDir();
  cpSync(join(root, 'scripts'), join(dir, 'scripts'), { recursive: true });
  for (const name of ['package.json', 'src', 'node_modules/esbuild', 'node_modules/@esbuild']) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    symlinkSync(join(root, name), join(dir, name));
  }
  mkdirSync(join(dir, 'node_modules/typescript/bin'), { recursive: true });
  writeFileSync(join(dir, 'node_modules/typescript/bin/tsc'), COMPILER);
  const stale = join(dir, 'dist/stale/file.js');
  for (const each of ['for the first time', 'again']) {
    if (each === 'again') {
      for (const name of ['compiling', 'go']) rmSync(join(dir, name));
      mkdirSync(dirname(stale));
      writeFileSync(stale, '');
    }
    // The reason for the failure does not matter here.
    const building = start('sh', [
      '-c',
      `exec "$0" "$1" 2> /dev/null`,
      process.execPath,
      join(dir, 'scripts/build.mjs'),
    ]);
    await until(() => existsSync(join(dir, 'compiling')));
    const isThere = ['dist/bin/rxchat.js', 'dist/bin/main.mjs', 'dist/stale'].map((name) =>
      existsSync(join(dir, name)),
    );
    expect(isThere).toStrictEqual([true, false, false]);
    writeFileSync(join(dir, 'go'), '');
    expect(await building.exit).toBe(1);
  }
});
