import { mkdirSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { report } from './report.mjs';

/** Writes a report to bench/results/, and all runs as JSON beside it. */
export const writeResults = (all, label, log) => {
  const name = `${all.date}-${label}`;
  const place = resolve(import.meta.dirname, '../results');
  mkdirSync(place, { recursive: true });
  writeFileSync(resolve(place, `${name}.md`), report(all));
  const rows = all.rows.map(({ row: { id, work }, results }) => ({ id, work, results }));
  writeFileSync(resolve(place, `${name}.json`), `${JSON.stringify({ ...all, rows })}\n`);
  log(`written: bench/results/${name}.md and .json`);
};
