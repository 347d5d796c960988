/** The page that a relay serves: one script, one style sheet, no file of anybody else. */
import { copyFileSync, mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { build } from 'esbuild';

const root = resolve(import.meta.dirname, '..');
const out = resolve(root, 'dist/page');

mkdirSync(out, { recursive: true });
await build({
  absWorkingDir: root,
  entryPoints: { page: 'src/page/main.ts' },
  outdir: out,
  bundle: true,
  minify: true,
  format: 'esm',
  platform: 'browser',
  target: ['chrome109', 'firefox115', 'safari16.4'],
  legalComments: 'none',
  alias: { rxjs: resolve(root, 'node_modules/rxjs/dist/esm/index.js') },
  logLevel: 'warning',
});
copyFileSync(resolve(root, 'src/page/page.html'), resolve(out, 'index.html'));
for (const file of ['page.css', 'icon.svg'])
  copyFileSync(resolve(root, 'src/page', file), resolve(out, file));
