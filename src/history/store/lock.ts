import { createHash } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  type Stats,
  statSync,
  symlinkSync,
} from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Observable } from 'rxjs';
import { randomText } from '../../crypto/random.js';
import { errorCode } from '../../util/errors.js';
import { HistoryError, describeError } from '../layout/errors.js';

/** Maximum length of a Unix socket address in bytes: 107, on some systems 103. */
const MAX_SOCKET_PATH_BYTES = 100;

/** Number of attempts to replace a stale socket, while others may try too. */
const MAX_ATTEMPTS = 3;

/** Errors of connecting to a socket without a listener, or to another file. */
const NOT_LISTENING: readonly string[] = ['ECONNREFUSED', 'ENOENT', 'ENOTSOCK'];

const SOCKET = 'relay.sock';

/** Returns the socket that a relay listens on while it uses a directory. It is always in that directory. */
export const lockPath = (
  dir: string,
  platform: NodeJS.Platform = process.platform,
  socket: string = SOCKET,
): string => {
  if (platform !== 'win32') return join(dir, socket);
  const name = socket === SOCKET ? dir : join(dir, socket);
  return `\\\\.\\pipe\\rxchat-${createHash('sha256').update(name).digest('hex').slice(0, 32)}`;
};

/** A socket path that is short enough for an address, valid until `release`. */
interface ShortPath {
  readonly path: string;
  readonly release: () => void;
}

/**
 * Returns a short path for the socket of a directory with a long path. It goes through the descriptor of the
 * directory if there is `/proc`, else through a symbolic link in a temporary directory. The socket itself
 * always stays in the directory, so that TMPDIR and the user make no difference. Throws system errors.
 */
export const shortenPath = (dir: string, procFd = '/proc/self/fd', socket: string = SOCKET): ShortPath => {
  const path = lockPath(dir, process.platform, socket);
  if (process.platform === 'win32' || Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES)
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
        // A link is left in the temporary directory; it locks nothing.
      }
    },
  };
};

/**
 * Locks a directory, or `socket` in it: emits once it is locked, until unsubscribed. Errors with `HistoryError`
 * `in-use` if another process, or another place in this one, holds the lock.
 *
 * The lock is a listening socket, since Node has no file locks. The kernel closes it however the process ends,
 * so a socket that does not answer is stale. It does not keep the process alive.
 *
 * @param content what the directory holds, for error messages.
 * @param onSocket receives each socket that connects, and must not throw. Only the owner of the directory can connect.
 */
export const acquireLock = (
  dir: string,
  socket: string = SOCKET,
  content = 'the history',
  onSocket: (socket: Socket) => unknown = (socket) => socket.destroy(),
): Observable<void> =>
  new Observable((subscriber) => {
    let listeningServer: Server | undefined;
    /** The server that listens or is about to. */
    let current: Server | undefined;
    /** Identifies the socket at the path, if this process has linked it there. */
    let ownId: string | undefined;
    let short: ShortPath;

    const failInUse = () => {
      subscriber.error(new HistoryError('in-use', `another relay uses ${content} in ${dir}`));
    };

    const fail = (error: unknown) => {
      subscriber.error(
        new HistoryError('unwritable', `cannot lock ${content} in ${dir}: ${describeError(error)}`),
      );
    };

    try {
      short = shortenPath(dir, undefined, socket);
    } catch (error) {
      fail(error);
      return undefined;
    }
    const { path, release } = short;

    /** Listens elsewhere first, since a socket that is bound and does not listen yet looks stale. */
    const listen = (attempts: number, isDirect = process.platform === 'win32') => {
      const server = createServer({ allowHalfOpen: true }, onSocket);
      const boundPath = isDirect ? path : join(dirname(path), `.${randomText(4)}`);
      current = server;
      server.on('error', (error) => {
        // Errors after listening are about single connections.
        if (listeningServer === server || subscriber.closed) return;
        if (errorCode(error) !== 'EADDRINUSE') fail(error);
        else retry(attempts);
      });
      server.listen(boundPath, () => {
        if (subscriber.closed) return;
        if (process.platform !== 'win32') chmodSync(boundPath, 0o600);
        const result = isDirect ? 'linked' : moveSocket(boundPath, path);
        if (result === 'linked') {
          listeningServer = server;
          ownId = isDirect ? undefined : fileId(path);
          removeUnlinked(dirname(path));
          subscriber.next();
          return;
        }
        server.close();
        if (result === 'no-links') listen(attempts, true);
        else retry(attempts);
      });
      server.unref();
    };

    const retry = (attempts: number) => {
      if (attempts === 0) failInUse();
      else replaceStale(attempts - 1);
    };

    /** Removes a socket that does not answer, and listens in its place. */
    const replaceStale = (attempts: number) => {
      const staleId = fileId(path);
      const socket = connect(path);
      socket.once('connect', () => {
        socket.destroy();
        failInUse();
      });
      socket.once('error', (error) => {
        if (subscriber.closed) return;
        if (!NOT_LISTENING.includes(errorCode(error) ?? '')) {
          failInUse();
          return;
        }
        try {
          removeStale(path, staleId);
        } catch (failure) {
          fail(failure);
          return;
        }
        listen(attempts);
      });
    };

    listen(MAX_ATTEMPTS);
    return () => {
      if (ownId !== undefined && fileId(path) === ownId) rmSync(path, { force: true });
      // Closing removes the socket by the path that it was bound to, which has to be valid until then.
      current?.close(release);
    };
  });

/** The name of a socket that is not at its path yet. */
const UNLINKED = /^\.[\w-]{6}$/;

/** Removes the sockets of processes that were killed before they moved them to their paths. Never throws. */
const removeUnlinked = (dir: string): void => {
  try {
    for (const name of readdirSync(dir).filter((each) => UNLINKED.test(each))) {
      const stats = lstatSync(join(dir, name));
      if (stats.isSocket() && isOld(stats)) rmSync(join(dir, name), { force: true });
    }
  } catch {
    // Such a socket is in nobody's way.
  }
};

/** Moves a listening socket to its path. The result is `in-use` if there is a file. */
const moveSocket = (from: string, path: string): 'linked' | 'in-use' | 'no-links' => {
  try {
    linkSync(from, path);
    return 'linked';
  } catch (error) {
    return ['EEXIST', 'ENOENT'].includes(errorCode(error) ?? '') ? 'in-use' : 'no-links';
  } finally {
    rmSync(from, { force: true });
  }
};

/** How long, in ms, a process may take to move a socket or to remove a stale one. Each takes two system calls. */
const MAX_AGE_MS = 10_000;

/** Whether only a process that was killed can have left a temporary file. */
const isOld = ({ mtimeMs }: Stats): boolean => Date.now() - mtimeMs > MAX_AGE_MS;

/**
 * Removes a stale socket, unless another one has replaced it. Only the process that creates a file next to it may, so
 * that the socket cannot be replaced between the comparison and the removal. Throws system errors.
 */
const removeStale = (path: string, staleId: string | undefined): void => {
  const guard = `${path}.stale`;
  try {
    closeSync(openSync(guard, 'wx', 0o600));
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
    const stats = lstatSync(guard, { throwIfNoEntry: false });
    if (stats !== undefined && isOld(stats)) rmSync(guard, { force: true });
    return;
  }
  try {
    if (staleId !== undefined && fileId(path) === staleId) rmSync(path, { force: true });
  } finally {
    rmSync(guard, { force: true });
  }
};

/** Identifies a file among all that ever have its path, or returns `undefined` if the file does not exist. */
const fileId = (path: string): string | undefined => {
  try {
    const { ino, ctimeNs } = statSync(path, { bigint: true });
    return `${ino} ${ctimeNs}`;
  } catch {
    return undefined;
  }
};
