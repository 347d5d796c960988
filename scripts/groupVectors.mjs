/**
 * Writes test/vectors/group.json, the test vectors of group key agreement, and the corpus of its fuzz targets. Run it
 * after a change of the format. A test compares the vectors with both suites.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { format } from 'prettier';

const root = resolve(import.meta.dirname, '..');
const folder = mkdtempSync(join(root, '.vectors-'));
const outfile = join(folder, 'groupVectors.mjs');
try {
  await build({
    stdin: {
      contents: `
        export { createGroupVectors } from './test/support/groupVectors.ts';
        export { GROUP_CORPUS } from './test/fuzz/targets/group.ts';
        export { nodeSuite } from './src/crypto/nodeSuite.ts';`,
      resolveDir: root,
    },
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    logLevel: 'error',
    outfile,
  });
  const { createGroupVectors, GROUP_CORPUS, nodeSuite } = await import(pathToFileURL(outfile).href);
  const vectors = createGroupVectors((randomBytes) => nodeSuite({ randomBytes }));
  writeFileSync(
    join(root, 'test/vectors/group.json'),
    await format(JSON.stringify(vectors), { parser: 'json', printWidth: 110 }),
  );
  for (const [file, bytes] of Object.entries(GROUP_CORPUS))
    writeFileSync(join(root, 'test/fuzz/corpus', file), `${bytes.toString('base64')}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
