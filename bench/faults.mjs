/**
 * Counts the messages that are lost, repeated or out of order while a fault is injected. Uses real commands and
 * processes with a proxy between them. Prints a table in Markdown. Exits with 1 if the count is not zero.
 *
 *   npm run faults -- [--rounds N] [--only WORDS] [--seed N]
 */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const rounds = Number(values.rounds);
const seed = Number(values.seed);
if (!(rounds >= 1) || !Number.isInteger(seed)) throw new Error('--rounds and --seed need whole numbers');

// The bundle is as deep in the tree as its sources, because they find the command by their own path.
const root = resolve(import.meta.dirname, '..');
const outfile = resolve(root, 'dist/bench/faults/index.mjs');
await build({
  absWorkingDir: root,
  entryPoints: ['test/e2e/support/faults/index.ts'],
  outfile,
  bundle: true,
  format: 'esm',
  platform: 'node',
  packages: 'external',
  logLevel: 'warning',
});
const { allFaults, cleanUp, sumReports } = await import(pathToFileURL(outfile).href);

const row = (...cells) => console.log(`| ${cells.join(' | ')} |`);
console.error(`repeat the random choices with --seed ${seed}`);
row('fault', 'runs', 'messages sent', 'lost', 'repeated', 'out of order', 'gaps reported');
row('---', '--:', '--:', '--:', '--:', '--:', '--:');

for (const { fault, times = 1, run } of await allFaults()) {
  if (!fault.includes(values.only)) continue;
  const accounts = [];
  for (let round = 0; round < rounds; round += 1) {
    try {
      accounts.push(await run(seed + round));
    } catch (error) {
      console.error(`${fault}: ${error instanceof Error ? error.message : error}`);
      process.exitCode = 1;
    } finally {
      await cleanUp();
    }
  }
  const { sent, lost, repeated, outOfOrder, holes } = sumReports(accounts);
  if (lost + repeated + outOfOrder > 0) process.exitCode = 1;
  const failed = rounds - accounts.length;
  row(
    fault,
    `${times * accounts.length}${failed > 0 ? ` (${failed} failed)` : ''}`,
    sent,
    lost,
    repeated,
    outOfOrder,
    holes,
  );
}
