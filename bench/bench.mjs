/**
 * Compares rxchat's relay with other servers that do the same work. All servers run in turn, run after run, so that
 * other work on the machine affects all of them. Prints tables of medians and ratios, and writes them to
 * bench/results/. docs/performance.md explains how to read them.
 *
 *   npm run bench
 *   npm run bench -- --only fanout-148 --runs 3
 *   npm run bench -- --only fanout --peers rxchat,redis
 */
import { parseArgs } from 'node:util';
import { interleave, runOnce } from './measure/interleave.mjs';
import { describeMachine } from './measure/machine.mjs';
import { disturbance } from './measure/measures.mjs';
import { prepare } from './measure/prepare.mjs';
import { leads, report } from './measure/report.mjs';
import { signatureChecks } from './measure/signatures.mjs';
import { figure } from './measure/table.mjs';
import { writeResults } from './measure/writeResults.mjs';
import { optionsFor, quickRows, rows as allRows, standIn } from './rows.mjs';

const HELP = `npm run bench -- [options]
  --only TEXT    rows whose id contains one of these, separated by commas; --list shows them
  --peers TEXT   peers whose name contains one of these; rxchat is always there
  --runs N       runs of each row (5; 3 with --quick)
  --seconds S    measured in each run (1.5; 3 at a fixed rate)
  --quiet S      waits before each run, so long at most, until other work has left both cores (10; 0 with --quick)
  --quick        few rows, few peers, no more than 100 s; nothing is written
  --dir DIR      where servers keep their files; should be a real disk for what is durable (the temporary directory)
  --label TEXT   part of the name of the file that is written
  --no-write     prints alone`;

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    peers: { type: 'string' },
    runs: { type: 'string' },
    seconds: { type: 'string' },
    quiet: { type: 'string' },
    quick: { type: 'boolean', default: false },
    dir: { type: 'string' },
    label: { type: 'string' },
    write: { type: 'boolean', default: true },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
  allowNegative: true,
});
const QUICK_BUDGET = 100_000;

const matches = (text, list) =>
  list === undefined || list.split(',').some((word) => text.toLowerCase().includes(word.toLowerCase()));

const log = (text) => console.error(text);

/**
 * Returns the rows with the peers that are installed and can do the work. If no peer of a quick row is installed, a
 * bundled one replaces it.
 */
const possible = (rows, there) =>
  rows.map((row) => {
    const peers = row.peers.filter(({ name, takes }) => there(name) && (takes?.(row.work) ?? true));
    const alone = values.quick && peers.length <= 2 && there(standIn.name);
    return { ...row, peers: alone ? [...peers, standIn] : peers };
  });

const printQuick = (rows) => {
  const { other } = disturbance(rows.flatMap(({ results }) => results.flatMap(({ runs }) => runs)));
  console.log(leads(rows));
  console.log(`Medians of ${rows[0]?.results[0].runs.length} runs, with the least and the greatest ratio.`);
  if (other > 0.1) console.log(`NOISE: other work took up to ${figure(other * 100)} % of a core.`);
};

const main = async () => {
  if (values.help) return console.log(HELP);
  const began = performance.now();
  const chosen = (values.quick ? quickRows : allRows)
    .filter(({ id }) => matches(id, values.only))
    .map((row) => ({
      ...row,
      peers: row.peers.filter((peer, at) => at === 0 || matches(peer.name, values.peers)),
    }));
  if (values.list) return console.log(chosen.map(({ id, title }) => `${id.padEnd(18)} ${title}`).join('\n'));
  if (chosen.length === 0) throw new Error(`no row is named so: ${values.only}; --list names them`);

  const { directory, versions, missing } = prepare([...chosen.flatMap(({ peers }) => peers), standIn], {
    parent: values.dir,
    log,
  });
  const machine = describeMachine(directory);
  const rows = await interleave(
    possible(chosen, (name) => name in versions),
    {
      measure: (peer, work) =>
        runOnce(
          peer,
          work,
          optionsFor(peer, {
            ...work,
            ...(values.seconds && work.seconds !== 0 && { seconds: values.seconds }),
          }),
          directory,
        ),
      runs: Number(values.runs ?? (values.quick ? 3 : 5)),
      quiet: Number(values.quiet ?? (values.quick ? 0 : 10)),
      deadline: values.quick ? began + QUICK_BUDGET : Infinity,
      log,
    },
  );
  const notes = rows.some(({ row }) => row.kind === 'join') ? [signatureChecks(5000)] : [];
  const date = new Date().toISOString().slice(0, 10);
  const all = { date, machine, versions, missing, rows, notes };
  if (values.quick) printQuick(rows);
  else console.log(report(all));
  const label = values.label ?? (values.only ?? 'all').replaceAll(/[^\w-]+/g, '-');
  if (values.write && !values.quick) writeResults(all, label, log);

  const wrong = rows.flatMap(({ results: [ours] }) => ours.runs.filter(({ ok, fault }) => !ok && fault));
  for (const { fault } of wrong) log(`WRONG: rxchat: ${fault}`);
  process.exitCode = wrong.length > 0 ? 1 : 0;
};

await main().catch((error) => {
  log(`bench: ${error.message}`);
  process.exitCode = 2;
});
