import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { expect, test } from '@jest/globals';
import { build } from 'esbuild';
import { reached } from '../../support/imports.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** All that a browser loads for the page, in bytes, compressed as it is sent. */
const BUDGET = 62_500;

test('rxchat/browser is bundled for a browser without anything of Node', async () => {
  const { outputFiles, warnings } = await build({
    absWorkingDir: root,
    entryPoints: ['src/browser/index.ts'],
    bundle: true,
    write: false,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
  });
  expect(warnings).toStrictEqual([]);
  const text = outputFiles[0]?.text;
  expect(text).toMatch(/WebSocket/);
  expect(text).not.toMatch(/["']node:|\bBuffer\b|\bprocess\./);
  const named = reached('src/browser/index.ts', { later: true }).flatMap(({ imports, later }) => [
    ...imports,
    ...later,
  ]);
  expect(named.filter((each) => each.startsWith('node:') || each === 'ws')).toStrictEqual([]);
});

test('the page stays small', () => {
  const sizes = ['index.html', 'page.js', 'page.css', 'icon.svg'].map(
    (name) => gzipSync(readFileSync(`${root}dist/page/${name}`), { level: 9 }).length,
  );
  const size = sizes.reduce((sum, each) => sum + each, 0);
  expect(size).toBeLessThan(BUDGET);
  // A budget that nobody comes near holds nobody.
  expect(size).toBeGreaterThan(BUDGET / 2);
});
