import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { expect, test } from '@jest/globals';
import { build } from 'esbuild';
import { reachableModules } from '../support/imports.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * The compressed size in bytes of everything that a browser loads for the page. Of these, 3 600 are the price of a second
 * script: what both share is compressed apart.
 */
const BUDGET = 69_300;

/** What a browser loads besides that for a group room. */
const GROUP_BUDGET = 32_200;

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
  const named = reachableModules('src/browser/index.ts', { next: true }).flatMap(
    ({ imports, dynamicImports }) => [...imports, ...dynamicImports],
  );
  expect(named.filter((each) => each.startsWith('node:') || each === 'ws')).toStrictEqual([]);
});

test('the page stays small', () => {
  const page = `${root}dist/page`;
  const html = readFileSync(`${page}/index.html`, 'utf8');
  const scripts = readdirSync(page).filter((name) => name.endsWith('.js'));
  const first = scripts.filter((name) => html.includes(`"${name}"`));
  const deferred = scripts.filter((name) => !first.includes(name));
  const sizeOf = (names: readonly string[]) =>
    names
      .map((name) => gzipSync(readFileSync(`${page}/${name}`), { level: 9 }).length)
      .reduce((sum, each) => sum + each, 0);

  // A budget that is far too large would detect nothing.
  for (const [names, budget] of [
    [['index.html', 'page.css', 'icon.svg', ...first], BUDGET],
    [deferred, GROUP_BUDGET],
  ] as const) {
    expect(sizeOf(names)).toBeLessThan(budget);
    expect(sizeOf(names)).toBeGreaterThan(budget / 2);
  }
  expect(deferred.map((name) => name.split('-')[0])).toStrictEqual(['groupRoom']);
});
