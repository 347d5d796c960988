import type { Socket } from 'node:net';
import { defaultIfEmpty, Observable, take } from 'rxjs';
import { acquireLock } from '../history/store/lock.js';
import { addListener, guard, ignoreErrors, startTimer } from '../util/guard.js';
import {
  ADMIN_SOCKET,
  type AdminReply,
  type AdminRequest,
  failure,
  formatReply,
  MAX_REPLY_BYTES,
  MAX_REQUEST_BYTES,
  parseRequest,
} from './protocol.js';

/** Answers a request with the first reply that it emits. */
export type AnswerRequest = (request: AdminRequest) => Observable<AdminReply>;

const MAX_SOCKETS = 8;

export interface ListenAdminOptions {
  /** Time in ms for a client to send its request; 5 s. */
  readonly requestTimeoutMs?: number;
  /** Time in ms for a client to read its reply; 30 s. */
  readonly replyTimeoutMs?: number;
}

/**
 * Listens for requests on a Unix socket in a directory: emits once it listens, until unsubscribed. Only the owner of the
 * socket and root can connect. Errors with `HistoryError` `in-use` if another relay listens there.
 *
 * A socket carries one request. At most 8 sockets are open. A longer request than 4 KiB is refused, and a slow client is
 * disconnected, so that no client can hold memory.
 */
export const listenAdmin = (
  dir: string,
  answer: AnswerRequest,
  { requestTimeoutMs = 5000, replyTimeoutMs = 30_000 }: ListenAdminOptions = {},
): Observable<void> =>
  new Observable((subscriber) => {
    const sockets = new Set<Socket>();
    const onSocket = (socket: Socket) => {
      ignoreErrors(socket);
      if (sockets.size >= MAX_SOCKETS) {
        socket.destroy();
        return;
      }
      sockets.add(socket);
      addListener(
        socket,
        'close',
        () => {
          sockets.delete(socket);
        },
        () => undefined,
      );
      serveSocket(socket, answer, { requestTimeoutMs, replyTimeoutMs });
    };
    const drop = (_error: unknown, socket: Socket) => {
      socket.destroy();
    };
    subscriber.add(
      acquireLock(dir, ADMIN_SOCKET, 'the admin socket', guard(onSocket, drop)).subscribe(subscriber),
    );
    subscriber.add(() => {
      for (const socket of sockets) socket.destroy();
    });
  });

/** Reads a request, sends its reply and closes the socket. */
const serveSocket = (
  socket: Socket,
  answer: AnswerRequest,
  { requestTimeoutMs, replyTimeoutMs }: Required<ListenAdminOptions>,
): void => {
  const destroy = () => {
    socket.destroy();
  };
  let received = Buffer.alloc(0);
  let cancelTimer = startTimer(requestTimeoutMs, destroy, destroy);
  addListener(
    socket,
    'close',
    () => {
      cancelTimer();
    },
    destroy,
  );
  const reply = (message: AdminReply) => {
    if (socket.destroyed) return;
    cancelTimer();
    cancelTimer = startTimer(replyTimeoutMs, destroy, destroy);
    const line = formatReply(message);
    // The client closes the socket once it has the reply; otherwise the timer does.
    socket.end(
      Buffer.byteLength(line) <= MAX_REPLY_BYTES ? line : formatReply(failure('the reply is too long')),
    );
  };
  const onRequest = (line: string) => {
    const request = parseRequest(line);
    if (typeof request === 'string') reply(failure(request));
    else
      answer(request)
        .pipe(take(1), defaultIfEmpty(failure('the relay gave no answer')))
        .subscribe({
          next: reply,
          error: (error: unknown) => {
            reply(failure(error instanceof Error ? error.message : String(error)));
          },
        });
  };
  const stopReading = addListener(
    socket,
    'data',
    (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      const end = received.indexOf('\n');
      if (end < 0 && received.length < MAX_REQUEST_BYTES) return;
      stopReading();
      // What follows is read and ignored, since a socket with unread bytes would lose its reply.
      socket.resume();
      if (end < 0 || end >= MAX_REQUEST_BYTES)
        reply(failure(`the request is longer than ${MAX_REQUEST_BYTES} bytes`));
      else onRequest(received.toString('utf8', 0, end));
      received = Buffer.alloc(0);
    },
    destroy,
  );
  const onEnd = () => {
    if (received.length > 0) reply(failure('the request has no line break at its end'));
    else if (socket.bytesRead === 0) destroy();
  };
  addListener(socket, 'end', onEnd, destroy);
};
