/**
 * Reports what would make an installation from a lock file fail or reveal where the file was written: optional dependencies
 * that it requires and does not contain, and download hosts.
 */
import { readFileSync } from 'node:fs';

const nameOf = (path) => path.split('node_modules/').at(-1);

const findFaults = (file) => {
  const { packages } = JSON.parse(readFileSync(new URL(`../${file}`, import.meta.url), 'utf8'));
  const locked = new Set(Object.keys(packages).map(nameOf));
  return Object.entries(packages).flatMap(([path, { optionalDependencies = {}, resolved }]) => [
    ...Object.keys(optionalDependencies)
      .filter((name) => !locked.has(name))
      .map((name) => `${file}: ${nameOf(path)} asks for ${name}, which is not in the lock`),
    ...(resolved?.startsWith('http') ? [`${file}: ${nameOf(path)} names a download host`] : []),
  ]);
};

const faults = ['package-lock.json', 'packaging/runtime/package-lock.json'].flatMap(findFaults);
for (const fault of faults) console.error(fault);
process.exitCode = faults.length > 0 ? 1 : 0;
