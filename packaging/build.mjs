/**
 * Builds the packages of what `npm run build` has built: the npm tarball, a list of everything in it (SBOM), an archive
 * with a Node of its own, and a package for Debian. The same sources and date give the same bytes.
 *
 * node packaging/build.mjs [--out DIR] [--revision N] [npm] [archive] [deb]
 * node packaging/build.mjs --out DIR app    only the command and its dependencies, for Dockerfile
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { sourceDate } from '../scripts/sourceDate.mjs';
import { packArchive } from './archive.mjs';
import { packDeb } from './deb.mjs';
import { installDependencies } from './dependencies.mjs';
import { copy, normalize } from './files.mjs';
import { packNpm } from './npm.mjs';
import { copyApplication, createTree } from './tree.mjs';

const root = resolve(import.meta.dirname, '..');
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    out: { type: 'string', default: join(root, 'packages') },
    revision: { type: 'string', default: '1' },
  },
});
const wanted = positionals.length === 0 ? ['npm', 'archive', 'deb'] : positionals;
const outDir = resolve(values.out);
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const date = sourceDate(root);

const buildPackages = (workDir) => {
  const target = join(workDir, 'npm');
  mkdirSync(target);
  const packageDir = packNpm({ root, workDir, outDir: wanted.includes('npm') ? outDir : target, date });
  const hasRuntime = wanted.includes('archive') || wanted.includes('deb');
  if (!hasRuntime && !wanted.includes('app')) return;
  const installed = installDependencies({ root, workDir, hasRuntime });
  if (wanted.includes('app')) {
    copyApplication({ packageDir, installed, target: outDir });
    normalize(outDir, date);
  }
  if (!hasRuntime) return;
  const tree = join(workDir, 'tree');
  createTree({ root, packageDir, installed, target: tree });
  copy(join(tree, 'lib/rxchat/sbom.cdx.json'), join(outDir, `rxchat-${version}.cdx.json`));
  const common = { root, workDir, outDir, tree, version, date };
  if (wanted.includes('archive')) packArchive(common);
  if (wanted.includes('deb')) packDeb({ ...common, revision: values.revision });
};

if (!existsSync(join(root, 'man/rxchat.1'))) throw new Error('not built yet; run npm run build');
mkdirSync(outDir, { recursive: true });
const workDir = mkdtempSync(join(tmpdir(), 'rxchat-packages-'));
try {
  buildPackages(workDir);
} finally {
  rmSync(workDir, { recursive: true, force: true });
}
