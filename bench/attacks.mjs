/**
 * Lies of a relay or a member, each told many times by real cryptography, and how many were noticed. Prints a table in
 * Markdown; ends with 1 where one was not, where somebody was fooled, or where there was an alarm without a lie.
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
  entryPoints: ['test/support/lies/index.ts'],
  outfile,
  bundle: true,
  format: 'esm',
  platform: 'node',
  packages: 'external',
  logLevel: 'warning',
});
const { LIES, countLie } = await import(pathToFileURL(outfile).href);

const row = (...cells) => console.log(`| ${cells.join(' | ')} |`);
console.error(`to do it again: --seed ${seed}`);
row('attack', 'by', 'tried', 'noticed', 'fooled', 'went on', 'alarms before');
row('---', '---', '--:', '--:', '--:', '--:', '--:');

for (const lie of LIES) {
  if (!lie.lie.includes(values.only)) continue;
  // Some take long: of those fewer are told.
  const few = lie.atMost === undefined ? times : Math.min(times, 10 * lie.atMost);
  const { tried, noticed, fooled, wentOn, falseAlarms } = countLie(lie, few, seed);
  if (noticed < tried || fooled > 0 || wentOn < tried || falseAlarms > 0) process.exitCode = 1;
  row(lie.lie, lie.by, tried, noticed, fooled, wentOn, falseAlarms);
}
