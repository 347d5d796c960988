/** Builds the programs in C into a directory that is removed when the bench ends. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const bench = resolve(import.meta.dirname, '..');

/** Directory for temporary files: `--dir` of the command, if the temporary directory is not on a real disk. */
export const workDirectory = (parent = tmpdir()) => {
  const directory = mkdtempSync(join(parent, 'rxchat-bench-'));
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
  return directory;
};

const compile = (program, sources) => {
  const { error, status, stderr } = spawnSync('cc', ['-O3', '-march=native', '-o', program, ...sources], {
    encoding: 'utf8',
  });
  if (error)
    throw new Error(
      'the load generator is in C: it needs a C compiler as `cc` (apt-get install gcc libc6-dev)',
    );
  if (status !== 0) throw new Error(`cc: ${stderr}`);
  return program;
};

export const buildGenerator = (directory) => {
  const sources = resolve(bench, 'generator');
  const files = readdirSync(sources).filter((name) => name.endsWith('.c'));
  return compile(
    join(directory, 'generator'),
    files.map((name) => join(sources, name)),
  );
};

export const buildRelay = (directory) =>
  compile(join(directory, 'relay'), [resolve(bench, 'relays/relay.c')]);
