/**
 * Compares relays that share rooms with a relay that has its own store. All setups run in turn, run after run. Relays,
 * servers of the storage engine and load generator share all cores of the machine. docs/performance.md has the results.
 *
 *   npm run bench:cluster
 *   npm run bench:cluster -- --only latency,hot-room --runs 5
 */
import { parseArgs } from 'node:util';
import { withRelays } from './cluster/servers.mjs';
import { rows as allRows } from './cluster/rows.mjs';
import { generate } from './measure/generate.mjs';
import { interleave } from './measure/interleave.mjs';
import { describeMachine } from './measure/machine.mjs';
import { prepare } from './measure/prepare.mjs';
import { report } from './measure/report.mjs';
import { writeResults } from './measure/writeResults.mjs';

const HELP = `npm run bench:cluster -- [options]
  --only TEXT    rows whose id contains one of these, separated by commas; --list shows them
  --runs N       runs of each row (3)
  --seconds S    measured in each run (4)
  --quiet S      waits before each run, so long at most, until other work has left all cores (10)
  --dir DIR      where servers keep their files; should be on a real disk (the temporary directory)
  --label TEXT   part of the name of the file that is written (cluster)
  --no-write     prints alone`;

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    runs: { type: 'string', default: '3' },
    seconds: { type: 'string' },
    quiet: { type: 'string', default: '10' },
    dir: { type: 'string' },
    label: { type: 'string', default: 'cluster' },
    write: { type: 'boolean', default: true },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
  allowNegative: true,
});
const log = (text) => console.error(text);

const measureIn = (directory) => (setup, work) => {
  const seconds = values.seconds !== undefined && work.seconds !== 0 && { seconds: values.seconds };
  return withRelays(setup, { directory }, async (server) => ({
    ...(await generate(directory, server, { protocol: 'rxchat' }, { ...work, ...seconds })),
    relays: setup.relays,
  })).catch((error) => ({ ok: false, fault: error.message }));
};

const main = async () => {
  if (values.help) return console.log(HELP);
  const chosen = allRows.filter(({ id }) => values.only.split(',').some((word) => id.includes(word)));
  if (values.list) return console.log(chosen.map(({ id, title }) => `${id.padEnd(18)} ${title}`).join('\n'));
  if (chosen.length === 0) throw new Error(`no row is named so: ${values.only}; --list names them`);

  const setups = chosen.flatMap(({ peers }) => peers);
  const { directory, versions, missing } = prepare(setups, { parent: values.dir, log, pins: false });
  const [date, machine] = [new Date().toISOString().slice(0, 10), describeMachine(directory, false)];
  const fixed = {
    title: 'Bench of several relays',
    date,
    machine,
    versions,
    missing,
    notes: [],
    hasLeads: false,
  };
  // After each round, since a run takes long.
  const onRun = (rows) => values.write && writeResults({ ...fixed, rows }, values.label, log);
  const rows = await interleave(
    chosen.map((row) => ({ ...row, peers: row.peers.filter(({ name }) => name in versions) })),
    { measure: measureIn(directory), runs: Number(values.runs), quiet: Number(values.quiet), log, onRun },
  );
  console.log(report({ ...fixed, rows }));
};

await main().catch((error) => {
  log(`bench: ${error.message}`);
  process.exitCode = 2;
});
