import { createHash } from 'node:crypto';
import { rmSync, statSync } from 'node:fs';
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

/** Where the relay that uses a directory can be reached, which is all that this is for. */
export const lockPath = (dir: string, platform: NodeJS.Platform = process.platform): string => {
  const name = createHash('sha256').update(dir).digest('hex').slice(0, 32);
  if (platform === 'win32') return `\\\\.\\pipe\\rxchat-${name}`;
  const path = join(dir, 'relay.sock');
  return Buffer.byteLength(path) <= LONGEST_PATH ? path : join(tmpdir(), `rxchat-${name}.sock`);
};

/**
 * The exclusive use of a directory: emits once it is ours, until it is unsubscribed. Errors with `HistoryError`:
 * `in-use` where another process has it or another place in this one.
 *
 * It is a socket that is listened on, for Node has no locks on files: the kernel closes it with the process, however
 * that ends, so that a socket which nobody answers is only a left file. Does not keep the process alive.
 */
export const exclusive = (dir: string): Observable<void> =>
  new Observable((subscriber) => {
    const path = lockPath(dir);
    let held: Server | undefined;

    const refuse = () => {
      subscriber.error(new HistoryError('in-use', `another relay uses the history in ${dir}`));
    };

    const fail = (error: unknown) => {
      subscriber.error(
        new HistoryError('unwritable', `cannot lock the history in ${dir}: ${reasonOf(error)}`),
      );
    };

    const listen = (tries: number) => {
      const server = createServer((socket) => socket.destroy());
      server.on('error', (error) => {
        // What comes once it listens is about single connections.
        if (held === server || subscriber.closed) return;
        if (errorCode(error) !== 'EADDRINUSE') fail(error);
        else if (tries === 0) refuse();
        else takeOver(tries - 1);
      });
      server.listen(path, () => {
        if (subscriber.closed) {
          server.close();
          return;
        }
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
      held?.close();
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
