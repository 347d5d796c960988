import { connect, type Socket } from 'node:net';
import { Observable } from 'rxjs';
import { shortenPath } from '../history/store/lock.js';
import { describeSystemError, errorCode } from '../util/errors.js';
import { addListener, ignoreErrors, startTimer } from '../util/guard.js';
import {
  ADMIN_SOCKET,
  type AdminReply,
  type AdminRequest,
  formatRequest,
  MAX_REPLY_BYTES,
  parseReply,
} from './protocol.js';

/** The relay in a directory could not be asked. */
export class AdminError extends Error {
  override readonly name = 'AdminError';
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

/** Time in ms for the reply of a relay. */
const TIMEOUT_MS = 60_000;

/**
 * Sends a request to the relay that uses a directory: emits its reply and completes. Errors with `AdminError` if no relay
 * answers. Unsubscribing cancels the request.
 */
export const requestAdmin = (dir: string, request: AdminRequest): Observable<AdminReply> =>
  new Observable((subscriber) => {
    const fail = (error: unknown) => {
      subscriber.error(error instanceof AdminError ? error : unreachableError(dir, error));
    };
    let socket: Socket;
    try {
      const { path, release } = shortenPath(dir, undefined, ADMIN_SOCKET);
      subscriber.add(release);
      socket = connect(path);
    } catch (error) {
      fail(error);
      return;
    }
    let chunks: Buffer[] = [];
    let size = 0;
    const stops = [
      startTimer(
        TIMEOUT_MS,
        () => {
          fail(new AdminError(`the relay in ${dir} did not answer within ${TIMEOUT_MS / 1000} s`));
        },
        fail,
      ),
      addListener(socket, 'connect', () => socket.write(formatRequest(request)), fail),
      addListener(socket, 'error', fail, fail),
      addListener(
        socket,
        'data',
        (chunk: Buffer) => {
          chunks.push(chunk);
          size += chunk.length;
          if (size > MAX_REPLY_BYTES)
            fail(new AdminError(`the relay in ${dir} sent a reply that is too long`));
        },
        fail,
      ),
      addListener(
        socket,
        'end',
        () => {
          const reply = parseReply(Buffer.concat(chunks).toString('utf8'));
          chunks = [];
          if (reply === undefined) fail(new AdminError(`the relay in ${dir} ended without a reply`));
          else {
            subscriber.next(reply);
            subscriber.complete();
          }
        },
        fail,
      ),
    ];
    subscriber.add(() => {
      for (const stop of stops) stop();
      ignoreErrors(socket);
      socket.destroy();
    });
  });

/** Errors of connecting to a socket without a listener, or to another file. */
const NOT_LISTENING: readonly string[] = ['ECONNREFUSED', 'ENOENT', 'ENOTSOCK', 'ENOTDIR'];

const unreachableError = (dir: string, error: unknown): AdminError => {
  if (NOT_LISTENING.includes(errorCode(error) ?? ''))
    return new AdminError(
      `no running relay can be administered in ${dir}`,
      'name the directory of the relay with --data; with --memory or --store, serve needs --data too',
    );
  const reason = describeSystemError(error);
  return ['EACCES', 'EPERM'].includes(errorCode(error) ?? '')
    ? new AdminError(
        `cannot connect to the relay in ${dir}: ${reason}`,
        'run the command as the user of the relay',
      )
    : new AdminError(`cannot connect to the relay in ${dir}: ${reason}`);
};
