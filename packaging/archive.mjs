import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { copy, normalize, run } from './files.mjs';

/** Packs the tree as an archive that runs wherever it is unpacked. */
export const packArchive = ({ root, workDir, outDir, tree, version, date }) => {
  const name = `rxchat-${version}-linux-${process.arch}`;
  cpSync(tree, join(workDir, name), { recursive: true });
  for (const file of ['docs/operations/rxchat.service', 'README.md', 'CHANGELOG.md'])
    copy(join(root, file), join(workDir, name, 'share/doc/rxchat', file.split('/').at(-1)));
  normalize(join(workDir, name), date);
  const path = join(outDir, `${name}.tar.gz`);
  const owner = ['--owner=0', '--group=0', '--numeric-owner'];
  const seconds = Math.floor(date.getTime() / 1000);
  const tar = [
    '--sort=name',
    `--mtime=@${seconds}`,
    '--format=gnu',
    ...owner,
    '--use-compress-program=gzip -n',
  ];
  run('tar', [...tar, '-cf', path, '-C', workDir, name]);
  return path;
};
