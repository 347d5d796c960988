/** Formats the results of a bench as a page in Markdown. */
import { disturbance, measuresOf, remarksOn } from './measures.mjs';
import { ratio, summary } from './statistics.mjs';
import { spread, table, times } from './table.mjs';

const share = (value) => (value === undefined ? '-' : `${Math.round(value * 100)} %`);
const there = (value) => value !== undefined;

/** Returns how many times better the first value is, whether more or less is better. */
const ahead = (measure, ours, theirs) => {
  const [a, b] = [ours, theirs].map((runs) => runs.map(measure.of));
  return measure.better === 'more' ? ratio(a, b) : ratio(b, a);
};

const rowTable = ({ row, results }) => {
  const measures = measuresOf(row);
  const [first, ...others] = results;
  const lead = (runs) => measures.slice(0, 2).map((measure) => times(ahead(measure, first.runs, runs)));
  const cells = ({ name, runs }, leads) => {
    const { idle, other } = disturbance(runs);
    return [
      name,
      ...measures.map((measure) => spread(summary(runs.map(measure.of).filter(there)))),
      ...leads,
      share(idle),
      share(other),
      remarksOn(runs).join('; ') || '',
    ];
  };
  const head = measures.slice(0, 2).map(({ name }) => `${first.name} ahead in ${name}`);
  return table(
    ['', ...measures.map(({ name }) => name), ...head, 'generator idle', 'other work', 'remarks'],
    [cells(first, ['', '']), ...others.map((other) => cells(other, lead(other.runs)))],
  );
};

const bestOf = (measure, ours, others) =>
  others
    .map(({ name, runs }) => ({ name, lead: ahead(measure, ours, runs) }))
    .filter(({ lead }) => Number.isFinite(lead.median))
    .sort((a, b) => a.lead.median - b.lead.median)[0];

/** Yardsticks: they show what the machine and Node allow, and are no servers for production. */
const YARDSTICKS = ['C relay', 'bare Node'];

/** Returns a line per row: how far ahead of the best peer, and of each yardstick. */
export const leads = (rows) => {
  const lines = rows.flatMap(({ row, results }) => {
    const [first, ...others] = results;
    const peers = others.filter(({ name }) => !YARDSTICKS.includes(name));
    return measuresOf(row)
      .slice(0, 2)
      .map((measure) => {
        const best = bestOf(measure, first.runs, peers);
        const lead = (all) => {
          const found = bestOf(measure, first.runs, all);
          return found ? times(found.lead) : '-';
        };
        return [
          row.id,
          measure.name,
          lead(peers),
          best?.name ?? '',
          ...YARDSTICKS.map((yardstick) => lead(others.filter(({ name }) => name === yardstick))),
        ];
      });
  });
  const heads = YARDSTICKS.map((name) => `ahead of ${name}`);
  return table(['row', 'measure', 'ahead of the best peer', 'which', ...heads], lines);
};

const heading = 'What is measured and how to read it: [docs/performance.md](../../docs/performance.md).';

export const report = ({ date, title = 'Bench', machine, versions, missing, rows, notes, hasLeads = true }) =>
  [
    `# ${title} of ${date}`,
    heading,
    table(
      ['machine', ''],
      Object.entries(machine).map(([name, value]) => [name, String(value)]),
    ),
    table(['peer', 'version'], Object.entries(versions)),
    ...(missing.length > 0 ? [`Missing: ${missing.join('; ')}.`] : []),
    ...(hasLeads ? ['## How far ahead', leads(rows)] : []),
    ...rows.flatMap((each) => [`## ${each.row.title} (\`${each.row.id}\`)`, rowTable(each)]),
    ...(notes.length > 0 ? ['## Notes', ...notes] : []),
  ].join('\n\n') + '\n';
