import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { listRuntimeFiles } from './dependencies.mjs';
import { copy, listFiles, run, write } from './files.mjs';
import { formatLicences } from './licences.mjs';
import { createSbom } from './sbom.mjs';

/** Where each shell looks for completions, below /usr or /usr/local. */
const COMPLETIONS = {
  bash: 'share/bash-completion/completions/rxchat',
  zsh: 'share/zsh/vendor-completions/_rxchat',
  fish: 'share/fish/vendor_completions.d/rxchat.fish',
};

const THIRD_PARTIES = `rxchat contains Node.js and packages of other authors. Their licences are in the file
third-party-licences.txt beside this one.
`;

/** Copies the command and the packages that it imports. It runs with `node dist/bin/rxchat.js`. */
export const copyApplication = ({ packageDir, installed, target }) => {
  for (const path of listFiles(packageDir))
    if (/^(package\.json|dist\/(bin|page)\/)/.test(path)) copy(join(packageDir, path), join(target, path));
  for (const path of listRuntimeFiles(installed)) copy(join(installed, path), join(target, path));
  write(join(target, 'sbom.cdx.json'), createSbom(installed));
};

/**
 * Creates what is installed below /usr or any other directory: the command with a Node of its own, the manual, the
 * completions and the licences.
 */
export const createTree = ({ root, packageDir, installed, target }) => {
  const lib = join(target, 'lib/rxchat');
  copyApplication({ packageDir, installed, target: lib });
  copy(join(installed, `node_modules/node-linux-${process.arch}/bin/node`), join(lib, 'node'));
  for (const path of listFiles(lib)) {
    chmodSync(join(lib, path), path === 'node' ? 0o755 : 0o644);
    if (path === 'node' || path.endsWith('.node')) run('strip', ['--strip-unneeded', join(lib, path)]);
  }
  write(join(target, 'bin/rxchat'), readFileSync(join(root, 'packaging/rxchat.sh')), 0o755);
  for (const [shell, path] of Object.entries(COMPLETIONS))
    write(join(target, path), run(process.execPath, [join(lib, 'dist/bin/rxchat.js'), 'completion', shell]));
  const manual = readFileSync(join(packageDir, 'man/rxchat.1'));
  write(join(target, 'share/man/man1/rxchat.1.gz'), gzipSync(manual, { level: 9 }));
  const doc = join(target, 'share/doc/rxchat');
  write(join(doc, 'copyright'), `${readFileSync(join(packageDir, 'LICENSE'), 'utf8')}\n${THIRD_PARTIES}`);
  write(join(doc, 'third-party-licences.txt'), formatLicences(installed));
};
