import type { Visible } from './visible.js';

/** Writes a line, or several, to standard output: the conversation, and what a command was asked for. */
export const writeOut = (text: Visible, done?: (error: Error | null | undefined) => void): void => {
  process.stdout.write(`${text}\n`, done);
};

/** Writes a line, or several, to standard error: everything else. */
export const writeError = (text: Visible): void => {
  process.stderr.write(`${text}\n`);
};
