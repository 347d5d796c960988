/**
 * Puts each fault of test/attacks/group/plantedFaults.mjs into a copy of the sources and runs the test that has to find
 * it. Prints one line a fault. Exits with 1 if a test stays green, or does not run.
 *
 *   npm run planted [-- WORDS of the name]
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { PLANTED_FAULTS } from '../test/attacks/group/plantedFaults.mjs';

const root = resolve(import.meta.dirname, '..');
const words = process.argv.slice(2).join(' ');
const faults = PLANTED_FAULTS.filter(({ name }) => name.includes(words));
const copy = mkdtempSync(join(tmpdir(), 'rxchat-planted-'));
const report = join(copy, 'report.json');

/** Runs tests in the copy. Returns how many passed and failed, and how many files could not run. */
const run = ({ test, pattern }) => {
  const jest = join(root, 'node_modules/jest/bin/jest.js');
  const flags = ['--experimental-vm-modules', '--no-warnings=ExperimentalWarning'];
  const options = ['-i', '--silent', '--json', `--outputFile=${report}`];
  // One suite is enough: noble takes ten times as long.
  const filter = ['-t', `^(?!.*noble).*${pattern}`];
  spawnSync(process.execPath, [...flags, jest, ...options, ...filter, test], {
    cwd: copy,
    stdio: 'ignore',
    env: { ...process.env, RXCHAT_FUZZ_HANDSHAKES: '2000', RXCHAT_MODEL_RUNS: '40' },
  });
  const { numPassedTests, numFailedTests, numRuntimeErrorTestSuites } = JSON.parse(
    readFileSync(report, 'utf8'),
  );
  return { passed: numPassedTests, failed: numFailedTests, broken: numRuntimeErrorTestSuites };
};

const verdicts = new Map();
/** Whether a test file passes without a fault. */
const passes = (test) => {
  if (!verdicts.has(test)) {
    const { passed, failed, broken } = run({ test, pattern: '' });
    verdicts.set(test, passed > 0 && failed + broken === 0);
  }
  return verdicts.get(test);
};

/** Returns what is wrong, or `undefined` if the test finds the fault and passes without it. */
const check = ({ file, from, to, ...selected }) => {
  const path = join(copy, file);
  const source = readFileSync(path, 'utf8');
  if (source.split(from).length !== 2) return `the text to replace is not once in ${file}`;
  if (!passes(selected.test)) return 'its test does not pass without it';
  writeFileSync(
    path,
    source.replace(from, () => to),
  );
  const { failed, broken } = run(selected);
  writeFileSync(path, source);
  if (broken > 0) return 'its test cannot run';
  return failed > 0 ? undefined : 'no test finds it';
};

try {
  for (const name of ['package.json', 'jest.config.js', 'tsconfig.json', 'streams', 'src', 'test'])
    cpSync(join(root, name), join(copy, name), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  if (faults.length === 0) throw new Error(`no fault has "${words}" in its name`);
  for (const fault of faults) {
    const wrong = check(fault);
    console.log(wrong === undefined ? `found     ${fault.name}` : `NOT FOUND ${fault.name}: ${wrong}`);
    if (wrong !== undefined) process.exitCode = 1;
  }
} finally {
  rmSync(copy, { recursive: true, force: true });
}
