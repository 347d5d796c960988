/**
 * Measures deliveries, CPU time and memory of the relay as the work grows: subscribers, rooms, size of a message,
 * length of the history. Writes SVG and the figures to docs/bench/.
 *
 *   npm run bench:graphs
 *   npm run bench:graphs -- --only history --runs 1
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { SERVER_CORE } from './measure/cores.mjs';
import { generate } from './measure/generate.mjs';
import { outcome, runOnce } from './measure/interleave.mjs';
import { describeMachine } from './measure/machine.mjs';
import { prepare } from './measure/prepare.mjs';
import { untilQuiet } from './measure/quiet.mjs';
import { makeRooms } from './measure/rooms.mjs';
import { withServer } from './measure/server.mjs';
import { summary } from './measure/statistics.mjs';
import { lineGraph } from './measure/svg.mjs';
import { spread, table } from './measure/table.mjs';
import { redis } from './peers/redis.mjs';
import { relayInC } from './peers/relayInC.mjs';
import { rxchat, rxchatOnDisk } from './peers/rxchat.mjs';
import { optionsFor } from './rows.mjs';

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    runs: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '1' },
    quiet: { type: 'string', default: '10' },
    dir: { type: 'string' },
  },
});
const log = (text) => console.error(text);
const SIZE = 148;

/** One client fills the room and leaves; then other clients join and send. */
const withHistory = (peer, work, options, directory) =>
  withServer(peer, { directory, work, core: SERVER_CORE }, async (server) => {
    const rooms = makeRooms();
    const { lines, ...rest } = options;
    const filling = {
      subscribers: 1,
      publishers: 1,
      size: SIZE,
      warmup: 0,
      seconds: 600,
      patience: 60,
      lines,
    };
    const filled = await generate(directory, server, peer, filling, rooms);
    return filled.ok ? generate(directory, server, peer, rest, rooms) : filled;
  }).catch((error) => ({ ok: false, fault: error.message }));

const sweeps = [
  {
    id: 'subscribers',
    x: 'subscribers of one room, lines of 150 B',
    peers: [rxchat, redis, relayInC],
    values: [10, 30, 100, 300, 1000, 3000, 5000],
    work: (subscribers) => ({ subscribers, size: SIZE }),
  },
  {
    id: 'rooms',
    x: 'rooms of 10, lines of 150 B',
    peers: [rxchat, redis, relayInC],
    values: [1, 10, 100, 1000],
    work: (rooms) => ({ subscribers: 10, rooms, publishers: rooms, size: SIZE, window: 8 }),
  },
  {
    id: 'size',
    x: 'characters of a line, 100 subscribers',
    peers: [rxchat, redis, relayInC],
    values: [148, 500, 2000, 8000, 16000],
    work: (size) => ({ subscribers: 100, size }),
  },
  {
    id: 'history',
    x: 'lines in the history before, 100 subscribers, lines of 150 B',
    peers: [rxchat, rxchatOnDisk],
    values: [100, 1000, 10_000, 100_000, 1_000_000],
    work: (lines) => ({ subscribers: 100, size: SIZE, lines }),
    run: withHistory,
  },
];

const MEASURES = [
  { id: 'deliveries', name: 'deliveries a second', of: (run) => run.deliveries / run.seconds },
  { id: 'cpu', name: 'CPU s per million deliveries', of: (run) => (run.serverCpu / run.deliveries) * 1e6 },
  { id: 'memory', name: 'memory of the server, MiB', of: (run) => run.memoryAfter / 1024 },
];

/** An array of `{ name, points: [{ at, runs }] }`. */
const measure = async (sweep, directory, versions) => {
  const series = sweep.peers
    .filter(({ name }) => name in versions)
    .map((peer) => ({ peer, name: peer.name, points: sweep.values.map((at) => ({ at, runs: [] })) }));
  for (let run = 1; run <= Number(values.runs); run += 1)
    for (const [place, at] of sweep.values.entries())
      for (const { peer, points } of series) {
        const work = sweep.work(at);
        const options = optionsFor(peer, { ...work, seconds: values.seconds });
        await untilQuiet(Number(values.quiet));
        const result = await (sweep.run ?? runOnce)(peer, work, options, directory);
        if (result.ok) points[place].runs.push(result);
        log(`${run}/${values.runs} ${sweep.id} ${at} ${peer.name}: ${outcome(result)}`);
      }
  return series;
};

const draw = (sweep, series, place) =>
  MEASURES.map(({ id, name, of }) => {
    const points = series.map((one) =>
      one.points.map(({ at, runs }) => [at, summary(runs.map(of))]).filter(([, { median }]) => median > 0),
    );
    const file = `${sweep.id}-${id}.svg`;
    const lines = series.map((one, at) => ({
      name: one.name,
      points: points[at].map(([x, { median }]) => [x, median]),
    }));
    writeFileSync(resolve(place, file), lineGraph({ title: name, x: sweep.x, y: name, series: lines }));
    const cell = (at, x) => points[at].find(([there]) => there === x)?.[1];
    const rows = sweep.values.map((x) => [
      String(x),
      ...series.map((_, at) => (cell(at, x) ? spread(cell(at, x)) : '-')),
    ]);
    return `![${name} against ${sweep.x}](${file})\n\n${table([sweep.id, ...series.map((one) => one.name)], rows)}`;
  });

const main = async () => {
  const chosen = sweeps.filter(({ id }) => values.only === undefined || values.only.split(',').includes(id));
  const { directory, versions } = prepare(
    chosen.flatMap(({ peers }) => peers),
    { parent: values.dir, log },
  );
  const place = resolve(import.meta.dirname, '../docs/bench');
  mkdirSync(place, { recursive: true });
  const machine = Object.entries(describeMachine(directory)).map(([name, value]) => [name, String(value)]);
  for (const sweep of chosen) {
    const graph = draw(sweep, await measure(sweep, directory, versions), place);
    const text = [
      `# How the cost grows: ${sweep.id}`,
      `\`npm run bench:graphs -- --only ${sweep.id}\`, ${new Date().toISOString().slice(0, 10)}: medians of ${values.runs} runs, with minimum and maximum. Interpretation: [docs/performance.md](../performance.md).`,
      ...graph,
      table(
        ['machine', ''],
        [...machine, ...sweep.peers.map(({ name }) => [name, versions[name] ?? 'missing'])],
      ),
    ];
    writeFileSync(resolve(place, `${sweep.id}.md`), `${text.join('\n\n')}\n`);
    log(`written: docs/bench/${sweep.id}.md and its graphs`);
  }
};

await main().catch((error) => {
  log(`bench: ${error.message}`);
  process.exitCode = 2;
});
