/**
 * Simulates attacks by a relay or a member many times with real cryptography, and counts detections. Prints a table
 * in Markdown. Exits with 1 if an attack is not detected, a receiver accepts a false message, or an alarm is raised
 * without an attack.
 *
 *   npm run attacks -- [--times N] [--only WORDS] [--seed N]
 */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';

const { values } = parseArgs({
  options: {
    times: { type: 'string', default: '200' },
    only: { type: 'string', default: '' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const times = Number(values.times);
const seed = Number(values.seed);
if (!(times >= 1) || !Number.isInteger(seed)) throw new Error('--times and --seed need whole numbers');

const root = resolve(import.meta.dirname, '..');
const outfile = resolve(root, 'dist/bench/attacks/index.mjs');
await build({
  absWorkingDir: root,
  entryPoints: ['test/support/misbehaviour/index.ts'],
  outfile,
  bundle: true,
  format: 'esm',
  platform: 'node',
  packages: 'external',
  logLevel: 'warning',
});
const { MISBEHAVIOURS, countOutcomes } = await import(pathToFileURL(outfile).href);

const row = (...cells) => console.log(`| ${cells.join(' | ')} |`);
console.error(`repeat with --seed ${seed}`);
row('attack', 'by', 'attempts', 'detected', 'accepted', 'continued', 'false alarms');
row('---', '---', '--:', '--:', '--:', '--:', '--:');

for (const misbehaviour of MISBEHAVIOURS) {
  if (!misbehaviour.title.includes(values.only)) continue;
  // Some attacks take long, and run less often.
  const few = misbehaviour.atMost === undefined ? times : Math.min(times, 10 * misbehaviour.atMost);
  const { tried, noticed, acceptedForgery, deliveredHonest, falseAlarms } = countOutcomes(
    misbehaviour,
    few,
    seed,
  );
  if (noticed < tried || acceptedForgery > 0 || deliveredHonest < tried || falseAlarms > 0)
    process.exitCode = 1;
  row(misbehaviour.title, misbehaviour.by, tried, noticed, acceptedForgery, deliveredHonest, falseAlarms);
}
