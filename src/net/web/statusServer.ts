import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { NEVER, Observable, take } from 'rxjs';
import { guard } from '../../util/guard.js';
import {
  createFaultReporter,
  dropSocket,
  type ListenAddress,
  type Listener,
  startListening,
} from '../listener.js';

/** An answer to a request. */
export interface StatusAnswer {
  readonly status: number;
  /** Media type; plain text by default. */
  readonly type?: string;
  readonly body: string;
}

/** Returns what answers a path, or `undefined` if the path does not exist. The first answer counts. */
export type AnswerPath = (path: string) => Observable<StatusAnswer> | undefined;

const MAX_CONNECTIONS = 32;
const MAX_HEADER_BYTES = 8192;
const MAX_REQUESTS_PER_SOCKET = 100;
const REQUEST_TIMEOUT_MS = 5000;
/** How long a connection may neither send nor receive, in ms. */
const IDLE_TIMEOUT_MS = 10_000;

const PLAIN_TEXT = 'text/plain; charset=utf-8';

/**
 * Listens for GET requests on an address: emits once it listens. Other methods are rejected (405), and so are requests
 * beyond small limits of number, size and time. It reads no body. Errors if it cannot listen. Unsubscribing ends all
 * requests.
 */
export const listenStatus = (address: ListenAddress, answerPath: AnswerPath): Observable<Listener> =>
  new Observable((subscriber) => {
    const faultReporter = createFaultReporter();
    const { report } = faultReporter;
    const answer = guard(
      (request: IncomingMessage, response: ServerResponse) => {
        respond(request, response, answerPath);
      },
      (error, request) => {
        dropSocket(report, error, request.socket);
      },
    );
    const options = {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: REQUEST_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: 1000,
    };
    const server = createServer(options, answer);
    server.maxConnections = MAX_CONNECTIONS;
    server.maxRequestsPerSocket = MAX_REQUESTS_PER_SOCKET;
    server.timeout = IDLE_TIMEOUT_MS;
    subscriber.add(startListening(server, address, subscriber, faultReporter, NEVER));
    subscriber.add(() => {
      server.closeAllConnections();
    });
  });

const respond = (request: IncomingMessage, response: ServerResponse, answerPath: AnswerPath): void => {
  const send = ({ status, type = PLAIN_TEXT, body }: StatusAnswer, headers: Record<string, string> = {}) => {
    // A body that nobody reads would stay in the connection.
    const hasBody = request.headers['content-length'] !== undefined || request.headers['transfer-encoding'];
    response
      .writeHead(status, {
        'content-type': type,
        'content-length': Buffer.byteLength(body),
        'cache-control': 'no-store',
        ...(hasBody && { connection: 'close' }),
        ...headers,
      })
      .end(body);
  };
  if (request.method !== 'GET') {
    send({ status: 405, body: 'only GET\n' }, { allow: 'GET', connection: 'close' });
    return;
  }
  const [path = ''] = (request.url ?? '').split('?');
  const answer$ = answerPath(path);
  if (answer$ === undefined) {
    send({ status: 404, body: 'not found\n' });
    return;
  }
  answer$.pipe(take(1)).subscribe({
    next: (found) => {
      if (!response.destroyed) send(found);
    },
    error: () => {
      if (!response.destroyed) send({ status: 500, body: 'failed\n' });
    },
  });
};
