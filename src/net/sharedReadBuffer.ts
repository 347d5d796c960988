import { Buffer } from 'node:buffer';
import {
  connect,
  type ConnectOpts,
  createServer,
  type Server,
  Socket,
  type SocketConstructorOpts,
} from 'node:net';
import { addListener, ignoreErrors, startTimer } from '../util/guard.js';

/**
 * The read buffer that all accepted sockets of the process share, as large as the one Node allocates per read.
 * A chunk is valid only while it is emitted, so one buffer is enough (ADR 0027).
 */
const SHARED_BUFFER = Buffer.alloc(65_536);

const callback = (): boolean => true;

/** Returns the symbol under which `net` stores an option of `onread`. */
const findSymbol = (value: unknown): symbol | undefined => {
  const options: SocketConstructorOpts & ConnectOpts = { onread: { buffer: SHARED_BUFFER, callback } };
  const socket = new Socket(options);
  return Object.getOwnPropertySymbols(socket).find((key) => Reflect.get(socket, key) === value);
};
const bufferSymbol = findSymbol(SHARED_BUFFER);
const callbackSymbol = findSymbol(callback);

interface Handle {
  readonly useUserBuffer?: (buffer: Uint8Array) => void;
}

/**
 * Makes an accepted, unread socket read into the shared buffer, and pauses it. Returns whether that worked. The
 * socket then emits no 'data', and each chunk is overwritten once `next` returns.
 *
 * Unsupported internals: `net` offers `onread` to connecting sockets only, so this sets its private fields. Without
 * it, each read allocates 64 KiB, and a short read zeroes and copies them. With ten members that is a fifth of the
 * relay's time for lines of 1 KiB, and a tenth for lines of 150 B.
 */
export const useSharedReadBuffer = (socket: Socket, next: (chunk: Uint8Array) => void): boolean => {
  const handle: unknown = Reflect.get(socket, '_handle');
  // Windows reads ahead into the previous buffer.
  if (process.platform === 'win32' || bufferSymbol === undefined || callbackSymbol === undefined)
    return false;
  if (typeof handle !== 'object' || handle === null) return false;
  const { useUserBuffer }: Handle = handle;
  if (useUserBuffer === undefined) return false;
  Reflect.set(socket, bufferSymbol, SHARED_BUFFER);
  Reflect.set(socket, callbackSymbol, (length: number) => {
    next(SHARED_BUFFER.subarray(0, length));
  });
  useUserBuffer.call(handle, SHARED_BUFFER);
  socket.pause();
  return true;
};

/** Attaches a reader to a socket, and returns whether that worked. */
type Attach = (socket: Socket, next: (chunk: Uint8Array) => void) => boolean;

/** Timeout of the test in ms. */
const TIMEOUT_MS = 2000;

/** Number of messages per connection of the test: its label and a counter. */
const ROUNDS = 64;
const payload = (label: string, round: number): string => `${label}${round};`.repeat(50);
const fullText = (label: string): string =>
  Array.from({ length: ROUNDS }, (_, n) => payload(label, n)).join('');

/**
 * Tests whether two interleaved loopback connections each receive exactly their own bytes. Resolves with
 * `undefined` if the test could not run.
 */
export const testSharedBuffer = (attach: Attach = useSharedReadBuffer): Promise<boolean | undefined> =>
  new Promise((resolve) => {
    const server = createServer({ noDelay: true });
    const clients: Socket[] = [];
    const finish = (result: boolean | undefined) => {
      cancelTimeout();
      for (const each of clients) each.destroy();
      server.close();
      resolve(result);
    };
    const onFailure = () => {
      finish(undefined);
    };
    const cancelTimeout = startTimer(TIMEOUT_MS, onFailure, onFailure);
    const texts = new Map<Socket, string>();
    const isRight = () => [...texts.values()].sort().join() === [fullText('a'), fullText('b')].join();
    const read = (socket: Socket, chunk: Uint8Array) => {
      const text = (texts.get(socket) ?? '') + Buffer.from(chunk).toString('latin1');
      texts.set(socket, text);
      const total = [...texts.values()].reduce((sum, each) => sum + each.length, 0);
      if (total >= fullText('a').length * 2) finish(isRight());
    };
    addListener(
      server,
      'connection',
      (socket: Socket) => {
        clients.push(socket);
        ignoreErrors(socket);
        if (!attach(socket, (chunk) => read(socket, chunk))) onFailure();
        else socket.resume();
      },
      onFailure,
    );
    addListener(server, 'error', onFailure, onFailure);
    server.listen({ host: '127.0.0.1', port: 0 }, () => {
      for (const label of ['a', 'b']) clients.push(startClient(server, label, onFailure));
    });
  });

const startClient = (server: Server, label: string, onFailure: () => void): Socket => {
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  addListener(socket, 'error', onFailure, onFailure);
  let round = 0;
  // One after the other, so that the connections are read alternately.
  const next = () => {
    if (round === ROUNDS) return;
    socket.write(payload(label, round), next);
    round += 1;
  };
  addListener(socket, 'connect', next, onFailure);
  return socket;
};

let testResult: Promise<boolean> | undefined;

/**
 * Resolves with whether accepted sockets may share a read buffer. Tested once per process, since another Node
 * version could mix up the bytes of strangers. Warns if they may not; reads then allocate memory, which is
 * slower.
 */
export const canShareReadBuffer = (): Promise<boolean> =>
  (testResult ??= testSharedBuffer().then((result) => {
    if (result === false)
      process.emitWarning(
        'this version of Node does not support the shared read buffer of rxchat; reading is slower without it',
        { type: 'RxchatWarning', detail: 'please report it, with the version of Node' },
      );
    return result === true;
  }));
