import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { mapText, type SafeText, sanitize, type SafeBytes } from '../text/sanitize.js';
import { addListener, ignoreErrors } from '../util/guard.js';

/** Writes lines to standard output: the conversation, or the result of a command. */
export const writeOut = (text: SafeText, onDone?: (error: Error | null | undefined) => void): void => {
  process.stdout.write(`${text}\n`, onDone);
};

/** Writes encoded lines to standard output. */
export const writeBytes = (bytes: SafeBytes, done: (error: Error | null | undefined) => void): void => {
  process.stdout.write(bytes, done);
};

let redirect: ((text: SafeText) => void) | undefined;

/** Redirects standard error, so that it does not break a drawn input line. */
export const redirectStderr = (write: (text: SafeText) => void): void => {
  redirect = write;
};

/** Status line at the end of standard error's terminal. It is drawn again after each output. */
let status: SafeText | undefined;

/** Moves to the start of the line and clears it. */
const ERASE_LINE = '\r\u001b[K';

/** Writes lines to standard error: everything that is not output. */
export const writeError = (text: SafeText): void => {
  if (redirect !== undefined && process.stderr.isTTY) redirect(text);
  else process.stderr.write(status === undefined ? `${text}\n` : `${ERASE_LINE}${text}\n${status}`);
};

/**
 * Writes a line to standard error. On a terminal, wraps it between words and indents from the second row on.
 */
export const writeWords = (line: SafeText, indent: number): void => {
  writeError(process.stderr.isTTY ? wrapWords(line, process.stderr.columns || 80, indent) : line);
};

const wrapWords = (line: SafeText, columns: number, indent: number): SafeText =>
  mapText(line, (text) => {
    const rows: string[] = [];
    for (const word of text.split(' ')) {
      const last = rows.pop();
      if (last === undefined) rows.push(word);
      else if (last.length + 1 + word.length < columns) rows.push(`${last} ${word}`);
      else rows.push(last, `${' '.repeat(indent)}${word}`);
    }
    return rows.join('\n');
  });

/** Replaces the status line on the terminal of standard error. Cuts it to a row; the text must be ASCII. */
export const showStatus = (text: string): void => {
  status = sanitize(text.slice(0, process.stderr.columns - 1));
  process.stderr.write(`${ERASE_LINE}${status}`);
};

/** Removes the status line. */
export const clearStatus = (): void => {
  if (status !== undefined) process.stderr.write(ERASE_LINE);
  status = undefined;
};

/**
 * Writes bytes unchanged to standard output, only for the user's own input. Calls back once they are written
 * or the write failed.
 */
export const writeRaw = (bytes: Uint8Array, done: (error: Error | null | undefined) => void): void => {
  process.stdout.write(bytes, done);
};

/** Returns how many bytes of standard output the system has not accepted yet. */
export const pendingOutputBytes = (): number => process.stdout.writableLength;

/** Calls back once all pending writes to standard output have succeeded or failed. */
export const afterPendingWrites = (done: () => void): void => {
  process.stdout.write('', () => {
    done();
  });
};

/** The needed part of Node's internal socket handle. Node has no public way to poll a write-only pipe. */
interface Handle {
  open(fd: number): number;
}
interface Internal {
  readonly _handle?: { readonly constructor: new (type: number) => Handle } | null;
}
const SOCKET_TYPE = 0;

/**
 * Calls back once no process reads the pipe of standard output any more. Writes nothing to the pipe. Returns
 * a function that stops watching. Never calls back if standard output is no pipe or there is no `/proc`; the
 * next write then fails.
 *
 * Linux reports an error on the writing end to a process that polls it. A socket handle polls its descriptor,
 * and reads only after an event, which then fails. The handle gets its own descriptor of the pipe, so that
 * standard output is unchanged.
 */
export const watchPipeReader = (onGone: () => void): (() => void) => {
  const doNothing = () => undefined;
  try {
    if (process.platform !== 'linux' || !fstatSync(1).isFIFO()) return doNothing;
    const fd = openSync('/proc/self/fd/1', constants.O_WRONLY | constants.O_NONBLOCK);
    const handle = socketHandle();
    if (handle === undefined || handle.open(fd) !== 0) {
      closeSync(fd);
      return doNothing;
    }
    const watcher = new Socket({ handle, readable: true, writable: false } as object);
    let isStopped = false;
    const onEvent = () => {
      if (!isStopped) onGone();
    };
    addListener(watcher, 'error', onEvent, onEvent);
    addListener(watcher, 'data', doNothing, onEvent);
    watcher.unref();
    return () => {
      isStopped = true;
      watcher.destroy();
    };
  } catch {
    return doNothing;
  }
};

const socketHandle = (): Handle | undefined => {
  const socket = new Socket();
  // The socket gets its handle at once, and the name is never resolved.
  ignoreErrors(socket);
  socket.connect({ host: 'localhost', port: 1, lookup: () => undefined });
  const make = (socket as unknown as Internal)._handle?.constructor;
  socket.destroy();
  return make === undefined ? undefined : new make(SOCKET_TYPE);
};
