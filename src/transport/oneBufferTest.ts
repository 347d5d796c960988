import { connect, createServer, type Server, type Socket } from 'node:net';
import { after, hear, ignoreErrors } from '../guard.js';
import { readIntoOne } from './oneBuffer.js';

/** Has a socket read, and whether that could be done. */
type Attach = (socket: Socket, next: (chunk: Uint8Array) => void) => boolean;

/** How long, in ms, the test may take. */
const PATIENCE = 2000;

/** What each of the connections of the test sends: so many times its own letter and a number that goes up. */
const ROUNDS = 64;
const said = (letter: string, round: number): string => `${letter}${round};`.repeat(50);
const whole = (letter: string): string => Array.from({ length: ROUNDS }, (_, n) => said(letter, n)).join('');

/**
 * Resolves with whether two connections over loopback, that are read in turns, each get their own bytes and all of them.
 * `undefined`: that could not be tried.
 */
export const keepsApart = (attach: Attach = readIntoOne): Promise<boolean | undefined> =>
  new Promise((resolve) => {
    const server = createServer({ noDelay: true });
    const clients: Socket[] = [];
    const finish = (result: boolean | undefined) => {
      callOff();
      for (const each of clients) each.destroy();
      server.close();
      resolve(result);
    };
    const failed = () => {
      finish(undefined);
    };
    const callOff = after(PATIENCE, failed, failed);
    const texts = new Map<Socket, string>();
    const isRight = () => [...texts.values()].sort().join() === [whole('a'), whole('b')].join();
    const read = (socket: Socket, chunk: Uint8Array) => {
      const text = (texts.get(socket) ?? '') + Buffer.from(chunk).toString('latin1');
      texts.set(socket, text);
      const total = [...texts.values()].reduce((sum, each) => sum + each.length, 0);
      if (total >= whole('a').length * 2) finish(isRight());
    };
    hear(
      server,
      'connection',
      (socket: Socket) => {
        clients.push(socket);
        ignoreErrors(socket);
        if (!attach(socket, (chunk) => read(socket, chunk))) failed();
        else socket.resume();
      },
      failed,
    );
    hear(server, 'error', failed, failed);
    server.listen({ host: '127.0.0.1', port: 0 }, () => {
      for (const letter of ['a', 'b']) clients.push(speak(server, letter, failed));
    });
  });

const speak = (server: Server, letter: string, failed: () => void): Socket => {
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  hear(socket, 'error', failed, failed);
  let round = 0;
  // One after the other, so that the two are read in turns.
  const next = () => {
    if (round === ROUNDS) return;
    socket.write(said(letter, round), next);
    round += 1;
  };
  hear(socket, 'connect', next, failed);
  return socket;
};

let tested: Promise<boolean> | undefined;

/**
 * Resolves with whether all accepted sockets of this process may be read into one buffer: tried once a process, since a
 * Node that keeps it otherwise could give strangers each other's bytes. Warns where it may not; each read then takes memory
 * of its own, which is slower.
 */
export const mayShareBuffer = (): Promise<boolean> =>
  (tested ??= keepsApart().then((result) => {
    if (result === false)
      process.emitWarning(
        'this version of Node does not read into one buffer as rxchat expects; it reads without, which is slower',
        { type: 'RxchatWarning', detail: 'please report it, with the version of Node' },
      );
    return result === true;
  }));
