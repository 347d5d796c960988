import { reshaped, type Visible, visible, type VisibleBytes } from './visible.js';

/** Writes a line, or several, to standard output: the conversation, and what a command was asked for. */
export const writeOut = (text: Visible, done?: (error: Error | null | undefined) => void): void => {
  process.stdout.write(`${text}\n`, done);
};

/** The same of what is bytes already. */
export const writeBytes = (bytes: VisibleBytes, done: (error: Error | null | undefined) => void): void => {
  process.stdout.write(bytes, done);
};

let aside: ((text: Visible) => void) | undefined;

/** Once an input line was drawn, what goes to standard error has to be shown where it does not tear that. */
export const divertErrors = (to: (text: Visible) => void): void => {
  aside = to;
};

/** The line that stands at the end of the terminal of standard error and is no part of what was said there. */
let status: Visible | undefined;

/** To the beginning of the line, and nothing stands there any more. */
const ERASE = '\r\u001b[K';

/** Writes a line, or several, to standard error: everything else. */
export const writeError = (text: Visible): void => {
  if (aside !== undefined && process.stderr.isTTY) aside(text);
  else process.stderr.write(status === undefined ? `${text}\n` : `${ERASE}${text}\n${status}`);
};

/** The same for a line, on a terminal in rows of whole words, of which those from the second on are indented. */
export const writeWords = (line: Visible, indent: number): void => {
  writeError(process.stderr.isTTY ? folded(line, process.stderr.columns || 80, indent) : line);
};

const folded = (line: Visible, columns: number, indent: number): Visible =>
  reshaped(line, (text) => {
    const rows: string[] = [];
    for (const word of text.split(' ')) {
      const last = rows.pop();
      if (last === undefined) rows.push(word);
      else if (last.length + 1 + word.length < columns) rows.push(`${last} ${word}`);
      else rows.push(last, `${' '.repeat(indent)}${word}`);
    }
    return rows.join('\n');
  });

/** Shows a line of ASCII on the terminal of standard error in the place of the one before. It stays within one row. */
export const showStatus = (text: string): void => {
  status = visible(text.slice(0, process.stderr.columns - 1));
  process.stderr.write(`${ERASE}${status}`);
};

/** Takes that line away. */
export const clearStatus = (): void => {
  if (status !== undefined) process.stderr.write(ERASE);
  status = undefined;
};

/** Writes one's own standard input to standard output, exactly: nobody else sent it. Calls back once it is, or failed. */
export const copyOut = (bytes: Uint8Array, done: (error: Error | null | undefined) => void): void => {
  process.stdout.write(bytes, done);
};

/** How many bytes were given to standard output that the system does not have yet. */
export const waitingOut = (): number => process.stdout.writableLength;

/** Calls back once all that was written to standard output is written, or failed. */
export const afterWrites = (done: () => void): void => {
  process.stdout.write('', () => {
    done();
  });
};
