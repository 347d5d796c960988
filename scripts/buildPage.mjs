/**
 * Builds the page that a relay serves: scripts and one style sheet, without files of third parties. The code of group
 * rooms is a script of its own, which only the link of a group room loads.
 */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { build } from 'esbuild';
import { directImports } from './directImports.mjs';

const root = resolve(import.meta.dirname, '..');
const out = resolve(root, 'dist/page');

mkdirSync(out, { recursive: true });
const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: [
    { in: 'src/page/main.ts', out: 'page' },
    { in: 'src/page/page.css', out: 'page' },
  ],
  outdir: out,
  bundle: true,
  splitting: true,
  // Names with a hash: a page of an older relay never loads half of its scripts from a newer one.
  chunkNames: '[name]-[hash]',
  metafile: true,
  minify: true,
  format: 'esm',
  platform: 'browser',
  plugins: [directImports],
  target: ['chrome109', 'firefox115', 'safari16.4'],
  legalComments: 'none',
  alias: { rxjs: resolve(root, 'node_modules/rxjs/dist/esm/index.js') },
  logLevel: 'warning',
});

// The browser loads what page.js imports together with it, and not after it.
const { imports } = metafile.outputs['dist/page/page.js'];
const preloads = imports
  .filter(({ kind }) => kind === 'import-statement')
  .map(({ path }) => `    <link rel="modulepreload" href="${basename(path)}" />\n`);
const html = readFileSync(resolve(root, 'src/page/page.html'), 'utf8');
// Without indentation, which a browser need not load.
const page = html.replace('    <script', `${preloads.join('')}    <script`).replace(/^ +/gm, '');
writeFileSync(resolve(out, 'index.html'), page);
copyFileSync(resolve(root, 'src/page/icon.svg'), resolve(out, 'icon.svg'));
