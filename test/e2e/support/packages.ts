import { test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Child, start } from './child.js';
import { runProgram } from './packageFixture.js';

export const ROOT: string = fileURLToPath(new URL('../../..', import.meta.url));

/** Skips tests of packages for a reason, and reports it. With RXCHAT_NEED_PACKAGES they fail instead. */
export const skipPackages = (reason: string): typeof test.skip => {
  if (process.env['RXCHAT_NEED_PACKAGES'] !== undefined) throw new Error(reason);
  console.warn(`SKIPPED: ${reason}`);
  return test.skip;
};

/** Returns which of these programs are not installed. */
export const missingPrograms = (...programs: readonly string[]): readonly string[] =>
  programs.filter((program) => spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0);

/** Builds packages of what was built before into a directory: `npm`, `archive` or `deb`. */
export const buildPackages = (outDir: string, ...kinds: readonly string[]): Promise<string> =>
  runProgram(ROOT, process.execPath, join(ROOT, 'packaging/build.mjs'), '--out', outDir, ...kinds);

/** Starts a relay with any command that ends in `serve` and flags, and waits until it listens. */
export const startPackaged = async (command: readonly string[]): Promise<{ child: Child; port: number }> => {
  const [program = '', ...args] = command;
  const child = start(program, args);
  const [, port] = await child.out.until(({ text }) => /^listening on 127\.0\.0\.1:(\d+)$/m.exec(text));
  return { child, port: Number(port) };
};

/** Sends a line to a room. */
export const sendLine = async (command: readonly string[], room: string, line: string): Promise<void> => {
  const [program = '', ...args] = command;
  const sender = start(program, [...args, 'send', room, '--nick', 'alice', '--quiet'], {
    input: `${line}\n`,
  });
  if ((await sender.exit) !== 0) throw new Error(sender.err.text);
};

/** Returns what a room contains. */
export const readRoom = async (command: readonly string[], room: string): Promise<readonly string[]> => {
  const [program = '', ...args] = command;
  const reader = start(program, [...args, 'listen', room, '--since', '1d', '--until-now']);
  if ((await reader.exit) !== 0) throw new Error(reader.err.text);
  return reader.out.lines;
};
