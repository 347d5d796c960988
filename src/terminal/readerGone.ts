import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { hear, ignoreErrors } from '../guard.js';

/** What Node has for sockets, as much of it as is needed here: it has no public way to poll a pipe that is only written. */
interface Handle {
  open(fd: number): number;
}
interface Internal {
  readonly _handle?: { readonly constructor: new (type: number) => Handle } | null;
}
const SOCKET = 0;

/**
 * Calls back once no process reads the pipe of standard output any more, without anything being written; returns how to
 * stop that. Where the system or Node does not tell (standard output is no pipe, there is no `/proc`), it never calls back:
 * then the next write fails.
 *
 * Linux reports an error on the writing end at that moment to whoever polls it. A handle for sockets polls what it is given,
 * and reads it only then, which fails; it has the pipe opened once more, so that standard output is as it was.
 */
export const watchReader = (gone: () => void): (() => void) => {
  const nothing = () => undefined;
  try {
    if (process.platform !== 'linux' || !fstatSync(1).isFIFO()) return nothing;
    const fd = openSync('/proc/self/fd/1', constants.O_WRONLY | constants.O_NONBLOCK);
    const handle = socketHandle();
    if (handle === undefined || handle.open(fd) !== 0) {
      closeSync(fd);
      return nothing;
    }
    const watcher = new Socket({ handle, readable: true, writable: false } as object);
    let isOver = false;
    const failed = () => {
      if (!isOver) gone();
    };
    hear(watcher, 'error', failed, failed);
    hear(watcher, 'data', nothing, failed);
    watcher.unref();
    return () => {
      isOver = true;
      watcher.destroy();
    };
  } catch {
    return nothing;
  }
};

const socketHandle = (): Handle | undefined => {
  const socket = new Socket();
  // It gets its handle at once, and the name is never looked up.
  ignoreErrors(socket);
  socket.connect({ host: 'localhost', port: 1, lookup: () => undefined });
  const make = (socket as unknown as Internal)._handle?.constructor;
  socket.destroy();
  return make === undefined ? undefined : new make(SOCKET);
};
