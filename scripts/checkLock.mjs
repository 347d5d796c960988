/**
 * Reports what would make `npm ci` fail or reveal where package-lock.json was written: optional dependencies that it
 * requires and does not contain, and download hosts.
 */
import { readFileSync } from 'node:fs';

const { packages } = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8'));
const nameOf = (path) => path.split('node_modules/').at(-1);
const locked = new Set(Object.keys(packages).map(nameOf));
const faults = Object.entries(packages).flatMap(([path, { optionalDependencies = {}, resolved }]) => [
  ...Object.keys(optionalDependencies)
    .filter((name) => !locked.has(name))
    .map((name) => `${nameOf(path)} asks for ${name}, which is not in the lock`),
  ...(resolved?.startsWith('http') ? [`${nameOf(path)} names a download host`] : []),
]);

for (const fault of faults) console.error(`package-lock.json: ${fault}`);
process.exitCode = faults.length > 0 ? 1 : 0;
