/** Builds the library with tsc, so that rxjs stays shared, and the command with esbuild, so that it starts fast. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { build } from 'esbuild';
import { EXTERNAL_PACKAGES } from './externalPackages.mjs';

const root = resolve(import.meta.dirname, '..');
const { version } = JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8'));

// The launcher stays: in a clone, `npx` remembers whether it existed at the first use.
for (const path of ['dist', 'dist/bin'])
  for (const name of existsSync(resolve(root, path)) ? readdirSync(resolve(root, path)) : [])
    if (!['dist/bin', 'dist/bin/rxchat.js', 'dist/bin/package.json'].includes(`${path}/${name}`))
      rmSync(resolve(root, path, name), { recursive: true, force: true });

const common = {
  absWorkingDir: root,
  outdir: 'dist/bin',
  bundle: true,
  platform: 'node',
  target: 'node20',
  logLevel: 'warning',
};
// The launcher is CommonJS, because Node takes longer to set up the module loader than for all of `--version`.
await build({
  ...common,
  entryPoints: ['src/bin/rxchat.ts'],
  format: 'cjs',
  define: { RXCHAT_VERSION: JSON.stringify(version) },
  plugins: [
    {
      name: 'main',
      setup: ({ onResolve }) => {
        onResolve({ filter: /\/cli\/main\.js$/ }, () => ({ path: './main.mjs', external: true }));
      },
    },
  ],
});
writeFileSync(resolve(root, 'dist/bin/package.json'), '{ "type": "commonjs" }\n');
chmodSync(resolve(root, 'dist/bin/rxchat.js'), 0o755);
execFileSync(
  process.execPath,
  [resolve(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'],
  {
    cwd: root,
    stdio: 'inherit',
  },
);
await build({
  ...common,
  entryPoints: ['src/cli/main.ts'],
  outExtension: { '.js': '.mjs' },
  splitting: true,
  format: 'esm',
  // For Node, rxjs lists its CommonJS build first, from which a bundler cannot remove unused code. jsonc-parser lists
  // a build that no bundler can follow.
  alias: {
    rxjs: resolve(root, 'node_modules/rxjs/dist/esm/index.js'),
    'jsonc-parser': resolve(root, 'node_modules/jsonc-parser/lib/esm/main.js'),
  },
  external: EXTERNAL_PACKAGES,
  // CommonJS inside the bundle calls `require`.
  banner: {
    js: "import{createRequire as __require}from'node:module';const require=__require(import.meta.url);",
  },
});
await import('./buildPage.mjs');
await import('./man.mjs');
