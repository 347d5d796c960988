/**
 * rxchat's relay beside those that do the same work: all in turn, run after run, so that what disturbs the machine disturbs
 * all. Prints tables of medians and ratios and writes them to bench/results/. docs/performance.md says how to read them.
 *
 *   npm run bench
 *   npm run bench -- --only fanout-148 --runs 3
 *   npm run bench -- --only fanout --peers rxchat,redis
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { buildGenerator, buildRelay, workDirectory } from './measure/build.mjs';
import { canPin, pinSelf, SERVER_CORE } from './measure/cores.mjs';
import { generate } from './measure/generate.mjs';
import { describeMachine } from './measure/machine.mjs';
import { leads, report } from './measure/report.mjs';
import { withServer } from './measure/server.mjs';
import { signatureChecks } from './measure/signatures.mjs';
import { optionsFor, quickRows, rows as allRows } from './rows.mjs';

const HELP = `npm run bench -- [options]
  --only TEXT    rows whose id contains one of these, separated by commas; --list shows them
  --peers TEXT   peers whose name contains one of these; rxchat is always there
  --runs N       runs of each row (5; 3 with --quick)
  --seconds S    measured in each run (1.5; 3 at a fixed rate)
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

/** Runs each row with each peer that is there, and returns `[{ row, results: [{ name, runs }] }]`. */
const measure = async (rows, directory, runs, deadline) => {
  const all = rows.map((row) => ({ row, results: row.peers.map(({ name }) => ({ name, runs: [] })) }));
  for (let run = 1; run <= runs; run += 1)
    for (const { row, results } of all)
      for (const [place, peer] of row.peers.entries()) {
        if (performance.now() > deadline) return all;
        const options = optionsFor(peer, {
          ...row.work,
          ...(values.seconds && row.work.seconds !== 0 && { seconds: values.seconds }),
        });
        const result = await withServer(peer, { directory, work: row.work, core: SERVER_CORE }, (server) =>
          generate(directory, server, peer, options),
        ).catch((error) => ({ ok: false, fault: error.message }));
        results[place].runs.push(result);
        log(
          `${run}/${runs} ${row.id} ${peer.name}: ${result.ok ? 'ok' : (result.fault ?? 'did not keep up')}`,
        );
      }
  return all;
};

const main = async () => {
  const began = performance.now();
  const chosen = (values.quick ? quickRows : allRows)
    .filter(({ id }) => matches(id, values.only))
    .map((row) => ({
      ...row,
      peers: row.peers.filter((peer, at) => at === 0 || matches(peer.name, values.peers)),
    }));
  if (values.help) return console.log(HELP);
  if (values.list) return console.log(chosen.map(({ id, title }) => `${id.padEnd(18)} ${title}`).join('\n'));
  if (process.platform !== 'linux') throw new Error('the load generator is for Linux alone');
  if (!canPin) log('taskset or a second core is missing: server and load generator share their cores');

  const directory = workDirectory(values.dir);
  buildGenerator(directory);
  buildRelay(directory);
  pinSelf();

  const versions = {};
  const missing = new Set();
  for (const peer of new Set(chosen.flatMap(({ peers }) => peers))) {
    const version = peer.version();
    if (version === undefined) missing.add(`${peer.name} (${peer.install})`);
    else versions[peer.name] = version;
  }
  for (const name of missing) log(`MISSING ${name}`);
  const rows = chosen
    .map((row) => ({
      ...row,
      peers: row.peers.filter(({ name, takes }) => name in versions && (takes?.(row.work) ?? true)),
    }))
    .filter(({ peers }) => peers.length > 0);

  const machine = describeMachine(directory);
  const runs = Number(values.runs ?? (values.quick ? 3 : 5));
  const results = await measure(rows, directory, runs, values.quick ? began + QUICK_BUDGET : Infinity);
  const notes = rows.some(({ kind }) => kind === 'join') ? [signatureChecks(5000)] : [];
  const date = new Date().toISOString().slice(0, 10);
  const all = { date, machine, versions, missing: [...missing], rows: results, notes };
  if (values.quick) console.log(leads(results));
  else console.log(report(all));
  if (values.write && !values.quick) {
    const name = `${date}-${values.label ?? (values.only ?? 'all').replaceAll(/[^\w-]+/g, '-')}`;
    const place = resolve(import.meta.dirname, 'results');
    mkdirSync(place, { recursive: true });
    writeFileSync(resolve(place, `${name}.md`), report(all));
    const plain = results.map(({ row: { id, work }, results: peers }) => ({ id, work, peers }));
    writeFileSync(resolve(place, `${name}.json`), `${JSON.stringify({ ...all, rows: plain })}\n`);
    log(`written: bench/results/${name}.md`);
  }
  const wrong = results.flatMap(({ results: [ours] }) => ours.runs.filter(({ ok, fault }) => !ok && fault));
  for (const { fault } of wrong) log(`WRONG: rxchat: ${fault}`);
  process.exitCode = wrong.length > 0 ? 1 : 0;
};

await main().catch((error) => {
  log(`bench: ${error.message}`);
  process.exitCode = 2;
});
