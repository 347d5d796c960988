/**
 * How long the command takes to start, as a ratio to `node -e 0`: both in turn, medians of 20 runs. Build first.
 */
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

const RUNS = 20;
const bin = resolve(import.meta.dirname, '../dist/bin/rxchat.js');
const env = { ...process.env };
// Read at every start by Node 20, and no part of what is measured.
delete env.NODE_EXTRA_CA_CERTS;

const commands = {
  'node -e 0': ['-e', '0'],
  'rxchat --version': [bin, '--version'],
  'rxchat --help': [bin, '--help'],
  'rxchat invite': [bin, 'invite'],
};
const times = Object.fromEntries(Object.keys(commands).map((name) => [name, []]));

for (let run = -1; run < RUNS; run += 1)
  for (const [name, args] of Object.entries(commands)) {
    const from = performance.now();
    const { status } = spawnSync(process.execPath, args, { env });
    if (status !== 0) throw new Error(`${name} ended with ${status}`);
    if (run >= 0) times[name].push(performance.now() - from);
  }

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const base = median(times['node -e 0']);
for (const [name, values] of Object.entries(times)) {
  const of = (ms) => ms.toFixed(0).padStart(4);
  console.log(
    `${name.padEnd(18)} median ${of(median(values))} ms  (${of(Math.min(...values))} to ${of(Math.max(...values))})  ${(median(values) / base).toFixed(2)}x`,
  );
}
