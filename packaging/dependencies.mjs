import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXTERNAL_PACKAGES } from '../scripts/externalPackages.mjs';
import { listFiles, run, write } from './files.mjs';

const loadJson = (path) => JSON.parse(readFileSync(path, 'utf8'));

/**
 * Installs what the command consists of at run time, in the versions of the lock files: the dependencies, the optional
 * peers, and with `hasRuntime` a Node. No package runs a script. Returns the directory.
 */
export const installDependencies = ({ root, workDir, hasRuntime }) => {
  const dir = join(workDir, 'installed');
  const { name, version, license, description, dependencies, peerDependencies } = loadJson(
    join(root, 'package.json'),
  );
  const lock = loadJson(join(root, 'package-lock.json'));
  const runtime = hasRuntime ? loadJson(join(root, 'packaging/runtime/package-lock.json')).packages : {};
  const manifest = {
    name,
    version,
    license,
    description,
    dependencies: { ...dependencies, ...peerDependencies, ...runtime['']?.dependencies },
  };
  write(join(dir, 'package.json'), JSON.stringify(manifest));
  const packages = { ...runtime, ...lock.packages, '': manifest };
  write(join(dir, 'package-lock.json'), JSON.stringify({ ...lock, packages }));
  run('npm', ['install', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--silent'], {
    cwd: dir,
  });
  return dir;
};

/** Returns the directory, relative to that of the installation, of the package that another one imports by a name. */
const resolvePackage = (packages, from, name) => {
  const path = `${from}${from && '/'}node_modules/${name}`;
  if (path in packages || from === '') return path;
  return resolvePackage(packages, from.slice(0, Math.max(0, from.lastIndexOf('node_modules/') - 1)), name);
};

/** Returns the directories of the packages that the built command imports, and of those that these import. */
const findImported = (packages) => {
  const found = new Set();
  const visit = (from, names) => {
    for (const name of names) {
      const path = resolvePackage(packages, from, name);
      if (!(path in packages) || found.has(path)) continue;
      found.add(path);
      const { dependencies, optionalDependencies } = packages[path];
      visit(path, Object.keys({ ...dependencies, ...optionalDependencies }));
    }
  };
  visit('', EXTERNAL_PACKAGES);
  return [...found];
};

/**
 * Binaries for Node-API work with every Node. Those for one version, and for musl, are left out, and so are the
 * programs of packages.
 */
const isNeeded = (dir, path) =>
  /(\.[cm]?js|\.json|\.napi\.glibc\.node)$/.test(path) &&
  !/(^|\/)(\.|node_modules\/|(tests?|bench|benchmarks?|examples?|docs)\/)/.test(path) &&
  readFileSync(join(dir, path)).subarray(0, 2).toString() !== '#!';

/** Returns the files of installed packages that the built command may load. */
export const listRuntimeFiles = (installed) => {
  const { packages } = loadJson(join(installed, 'node_modules/.package-lock.json'));
  return findImported(packages).flatMap((dir) =>
    listFiles(join(installed, dir))
      .filter((path) => isNeeded(join(installed, dir), path))
      .map((path) => join(dir, path)),
  );
};

/** Returns the installed packages, each with its directory and what the lock says of it, sorted. */
export const listPackages = (installed) =>
  Object.entries(loadJson(join(installed, 'node_modules/.package-lock.json')).packages)
    .map(([path, entry]) => ({
      ...entry,
      dir: join(installed, path),
      name: path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length),
    }))
    .sort((a, b) => (`${a.name}@${a.version}` < `${b.name}@${b.version}` ? -1 : 1));
