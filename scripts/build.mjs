/** Library by tsc (so that rxjs stays shared), command by esbuild (so that it starts fast). */
import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { build } from 'esbuild';

const root = resolve(import.meta.dirname, '..');
const { version } = JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8'));

rmSync(resolve(root, 'dist'), { recursive: true, force: true });
execFileSync(
  process.execPath,
  [resolve(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'],
  {
    cwd: root,
    stdio: 'inherit',
  },
);
await build({
  absWorkingDir: root,
  entryPoints: ['src/bin/rxchat.ts'],
  outdir: 'dist/bin',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  define: { RXCHAT_VERSION: JSON.stringify(version) },
  // rxjs offers its CommonJS build to Node first, which cannot be shaken.
  // jsonc-parser offers one that no bundler can follow.
  alias: {
    rxjs: resolve(root, 'node_modules/rxjs/dist/esm/index.js'),
    'jsonc-parser': resolve(root, 'node_modules/jsonc-parser/lib/esm/main.js'),
  },
  external: ['pino', 'fernet', 'lmdb', 'selfsigned', 'ws'],
  // CommonJS inside the bundle asks for `require`.
  banner: {
    js: "import{createRequire as __require}from'node:module';const require=__require(import.meta.url);",
  },
  logLevel: 'warning',
});
await import('./buildPage.mjs');
chmodSync(resolve(root, 'dist/bin/rxchat.js'), 0o755);
await import('./man.mjs');
