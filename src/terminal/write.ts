import type { Visible } from './visible.js';

/** Writes a line, or several, to standard output: the conversation, and what a command was asked for. */
export const writeOut = (text: Visible, done?: (error: Error | null | undefined) => void): void => {
  process.stdout.write(`${text}\n`, done);
};

let aside: ((text: Visible) => void) | undefined;

/** While an input line is drawn, what goes to standard error has to be shown where it does not tear that. */
export const divertErrors = (to: ((text: Visible) => void) | undefined): void => {
  aside = to;
};

/** Writes a line, or several, to standard error: everything else. */
export const writeError = (text: Visible): void => {
  if (aside !== undefined && process.stderr.isTTY) aside(text);
  else process.stderr.write(`${text}\n`);
};

/** Writes one's own standard input to standard output, exactly: nobody else sent it. */
export const copyOut = (bytes: Uint8Array): void => {
  process.stdout.write(bytes);
};

/** Calls back once all that was written to standard output is written, or failed. */
export const afterWrites = (done: () => void): void => {
  process.stdout.write('', () => {
    done();
  });
};
