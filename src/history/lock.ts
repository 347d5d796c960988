import { createHash } from 'node:crypto';
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Observable } from 'rxjs';
import { errorCode } from '../transport/networkError.js';
import { HistoryError, reasonOf } from './errors.js';

/** The address of a unix socket may have 107 bytes, on some systems 103. */
const LONGEST_PATH = 100;

/** How often to take over what was left, while others do so too. */
const TRIES = 3;

/** What connecting to a socket ends with that nobody listens on, or that is none. */
const NOBODY: readonly string[] = ['ECONNREFUSED', 'ENOENT', 'ENOTSOCK'];

const SOCKET = 'relay.sock';

/** The socket that a relay listens on while it uses a directory. It always lies in that directory. */
export const lockPath = (
  dir: string,
  platform: NodeJS.Platform = process.platform,
  socket: string = SOCKET,
): string => {
  if (platform !== 'win32') return join(dir, socket);
  const what = socket === SOCKET ? dir : join(dir, socket);
  return `\\\\.\\pipe\\rxchat-${createHash('sha256').update(what).digest('hex').slice(0, 32)}`;
};

/** A name of the socket that is short enough for its address, for as long as `release` was not called. */
interface ShortPath {
  readonly path: string;
  readonly release: () => void;
}

/**
 * Reaches the socket of a directory with a long path by another name of the same directory: by its descriptor where
 * there is `/proc`, else by a symbolic link in a temporary directory of our own. The socket itself is never there, so
 * neither another TMPDIR nor another user changes who holds it. Throws errors of the system.
 */
export const shortPath = (dir: string, procFd = '/proc/self/fd', socket: string = SOCKET): ShortPath => {
  const path = lockPath(dir, process.platform, socket);
  if (process.platform === 'win32' || Buffer.byteLength(path) <= LONGEST_PATH)
    return { path, release: () => undefined };
  if (existsSync(procFd)) {
    const descriptor = openSync(dir, 'r');
    return { path: join(procFd, String(descriptor), socket), release: () => closeSync(descriptor) };
  }
  const temporary = mkdtempSync(join(tmpdir(), 'rxchat-'));
  symlinkSync(dir, join(temporary, 'd'));
  return {
    path: join(temporary, 'd', socket),
    release: () => {
      try {
        rmSync(temporary, { recursive: true, force: true });
      } catch {
        // A link stays behind in the temporary directory, and locks nothing.
      }
    },
  };
};

/**
 * The exclusive use of a directory, or of what `socket` stands for in it: emits once it is ours, until it is unsubscribed. Errors with `HistoryError`:
 * `in-use` where another process has it or another place in this one.
 *
 * It is a socket that is listened on, for Node has no locks on files: the kernel closes it with the process, however
 * that ends, so that a socket which nobody answers is only a left file. Does not keep the process alive.
 */
export const exclusive = (dir: string, socket: string = SOCKET): Observable<void> =>
  new Observable((subscriber) => {
    let held: Server | undefined;
    /** The one that listens, or tries to. */
    let current: Server | undefined;
    let short: ShortPath;

    const refuse = () => {
      subscriber.error(new HistoryError('in-use', `another relay uses the history in ${dir}`));
    };

    const fail = (error: unknown) => {
      subscriber.error(
        new HistoryError('unwritable', `cannot lock the history in ${dir}: ${reasonOf(error)}`),
      );
    };

    try {
      short = shortPath(dir, undefined, socket);
    } catch (error) {
      fail(error);
      return undefined;
    }
    const { path, release } = short;

    const listen = (tries: number) => {
      const server = createServer((socket) => socket.destroy());
      current = server;
      server.on('error', (error) => {
        // What comes once it listens is about single connections.
        if (held === server || subscriber.closed) return;
        if (errorCode(error) !== 'EADDRINUSE') fail(error);
        else if (tries === 0) refuse();
        else takeOver(tries - 1);
      });
      server.listen(path, () => {
        if (subscriber.closed) return;
        held = server;
        subscriber.next();
      });
      server.unref();
    };

    /** Removes a socket that nobody answers, and listens in its place. */
    const takeOver = (tries: number) => {
      const found = fileAt(path);
      const socket = connect(path);
      socket.once('connect', () => {
        socket.destroy();
        refuse();
      });
      socket.once('error', (error) => {
        if (subscriber.closed) return;
        if (!NOBODY.includes(errorCode(error) ?? '')) {
          refuse();
          return;
        }
        try {
          // Of two that find the same left socket, the other one may listen by now.
          if (fileAt(path) === found) rmSync(path, { force: true });
        } catch (failure) {
          fail(failure);
          return;
        }
        listen(tries);
      });
    };

    listen(TRIES);
    return () => {
      // Closing removes the socket by this name, which has to be valid until then.
      current?.close(release);
    };
  });

/** Tells a file from any other that ever has its path; `undefined` where none is. */
const fileAt = (path: string): string | undefined => {
  try {
    const { ino, ctimeNs } = statSync(path, { bigint: true });
    return `${ino} ${ctimeNs}`;
  } catch {
    return undefined;
  }
};
