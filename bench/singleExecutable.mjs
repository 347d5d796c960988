/**
 * Compares two forms of a package that needs no Node: the tree of packaging/, which contains one, and a single executable
 * of that Node. Prints sizes, and medians of the start of both in turn, as ratios.
 *
 *   npm run bench:executable
 *
 * Needs Linux on x64, and fetches postject from the npm registry.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { installDependencies } from '../packaging/dependencies.mjs';
import { listFiles, run } from '../packaging/files.mjs';
import { packNpm } from '../packaging/npm.mjs';
import { createTree } from '../packaging/tree.mjs';
import { median } from './measure/statistics.mjs';

const RUNS = 20;
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';
const root = resolve(import.meta.dirname, '..');
const workDir = mkdtempSync(join(tmpdir(), 'rxchat-executable-'));

const buildTree = () => {
  const target = join(workDir, 'tree');
  const packageDir = packNpm({ root, workDir, outDir: workDir, date: new Date(0) });
  createTree({
    root,
    packageDir,
    installed: installDependencies({ root, workDir, hasRuntime: true }),
    target,
  });
  return target;
};

/** Builds the executable. Native addons, packages that locate their own files, and the page stay beside it. */
const buildExecutable = async (tree) => {
  const path = (name) => join(workDir, name);
  await build({
    absWorkingDir: root,
    entryPoints: ['src/bin/rxchat.ts'],
    outfile: path('main.cjs'),
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    logLevel: 'error',
    define: { RXCHAT_VERSION: '"0.1.0"', 'import.meta': '__meta', 'import.meta.url': '__meta.url' },
    banner: { js: "const __meta={url:require('node:url').pathToFileURL(process.execPath).href};" },
    alias: {
      rxjs: join(root, 'node_modules/rxjs/dist/esm/index.js'),
      'jsonc-parser': join(root, 'node_modules/jsonc-parser/lib/esm/main.js'),
    },
    external: ['lmdb', 'pino', '@nats-io/transport-node'],
  });
  const config = {
    main: path('main.cjs'),
    output: path('blob'),
    disableExperimentalSEAWarning: true,
    useCodeCache: true,
  };
  writeFileSync(path('sea.json'), JSON.stringify(config));
  const node = join(tree, 'lib/rxchat/node');
  run(node, ['--experimental-sea-config', path('sea.json')]);
  copyFileSync(node, path('rxchat'));
  const inject = [path('rxchat'), 'NODE_SEA_BLOB', path('blob'), '--sentinel-fuse', FUSE];
  run('npx', ['--yes', 'postject@1.0.0-alpha.6', ...inject], { cwd: workDir, stdio: 'ignore' });
  cpSync(join(tree, 'lib/rxchat/node_modules'), path('beside/node_modules'), { recursive: true });
  cpSync(join(tree, 'lib/rxchat/dist/page'), path('beside/page'), { recursive: true });
  return path('rxchat');
};

const compressed = (path) => gzipSync(readFileSync(path)).length;
const sum = (dir, measure) => listFiles(dir).reduce((total, path) => total + measure(join(dir, path)), 0);

/** Returns the median elapsed times of commands, which run in turn. */
const measureStarts = (commands) => {
  const times = commands.map(() => []);
  for (let each = -1; each < RUNS; each += 1)
    commands.forEach(([program, ...args], index) => {
      const from = performance.now();
      if (spawnSync(program, args).status !== 0) throw new Error(`${program} ${args.join(' ')} fails`);
      if (each >= 0) times[index].push(performance.now() - from);
    });
  return times.map((list) => median(list));
};

try {
  const tree = buildTree();
  const executable = await buildExecutable(tree);
  const lib = join(tree, 'lib/rxchat');
  const beside = join(workDir, 'beside');
  const ratio = (a, b) => (a / b).toFixed(2);
  const size = (path) => statSync(path).size;
  console.log('single executable with the files beside it, relative to a Node with the application:');
  for (const [name, measure] of Object.entries({ size, 'compressed size': compressed })) {
    console.log(
      `${name.padEnd(20)}${ratio(measure(executable) + sum(beside, measure), sum(lib, measure))}  (Node alone ${ratio(measure(join(lib, 'node')), sum(lib, measure))})`,
    );
  }
  const launcher = join(tree, 'bin/rxchat');
  for (const argument of ['--version', 'invite']) {
    const [one, two] = measureStarts([
      [executable, argument],
      [launcher, argument],
    ]);
    console.log(`${argument.padEnd(20)}${ratio(one, two)}`);
  }
} finally {
  rmSync(workDir, { recursive: true, force: true });
}
