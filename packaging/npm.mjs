import { join } from 'node:path';
import { copy, normalize, run } from './files.mjs';

/**
 * Packs what npm would publish into `outDir`, and returns the directory of its files below `workDir`. npm keeps the
 * rights of files, so it packs a copy.
 */
export const packNpm = ({ root, workDir, outDir, date }) => {
  const dir = join(workDir, 'package');
  const [{ files }] = JSON.parse(
    run('npm', ['pack', '--dry-run', '--ignore-scripts', '--json', '--loglevel=error'], { cwd: root }),
  );
  for (const { path } of files) copy(join(root, path), join(dir, path));
  normalize(dir, date);
  run('npm', ['pack', dir, '--ignore-scripts', '--loglevel=error', '--pack-destination', outDir]);
  return dir;
};
