import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

import { formatGreeting } from '../../../streams/wire/handshake.js';
import { toBase64url } from '../../../streams/wire/encoding.js';
import { onCleanup } from './cleanup.js';

/** All sequences that may affect a terminal, in one word. */
export const HOSTILE: string = [
  'h\x1b[31m\x1b[2J\x1b[1;1Hostile',
  '\x1b]0;owned\x07\x1b]8;;https://evil.example\x1b\\\x1b]52;c;b3duZWQ=\x07',
  '\x1bP+q544e\x1b\\\x9b31m\x9d0;owned\x9c\x90q\x9c',
  '\r\b\t\0\x7f\x85\x0e',
  '\u202e\u2066\u200b\u200e\u200d\ufe0f\u2060\ufeff\u{e0041}\u2028\u2029\ue000',
  `a${'\u0301'.repeat(1000)}`,
].join('');

/** The same in a nick. An envelope rejects nicks of more than 32 characters. */
export const HOSTILE_NICK = 'h\x1b[31m\r\x9b2J\x1b]0;o\x07\u202e\u200b\u{e0041} x: \b';

/** The sanitised form of the nick, and of the beginning of the text. */
export const SAFE_NICK = 'h␛[31m␍\\u{9b}2J␛]0;o␇\\u{202e}\\u{200b}\\u{e0041}␠x:␠␈';
export const SAFE_PREFIX = 'h␛[31m␛[2J␛[1;1Hostile␛]0;owned␇';

/** The first line of an honest relay. */
export const GREETING: string = formatGreeting(toBase64url(new Uint8Array(32).fill(7)));

/** Returns a `WELCOME` with additional fields. */
export const welcomeWith = (more: string): string => `WELCOME next=9 first=1 from=1 count=3 ${more}`;

/** Starts a server that sends the given lines like a relay. Resolves with its port. */
export const startHostileRelay = async (
  first: string,
  ...answers: readonly string[]
): Promise<{ readonly port: number; readonly send: (...lines: readonly string[]) => void }> => {
  const sockets = new Set<Socket>();
  const write = (socket: Socket, lines: readonly string[]) =>
    void socket.write(lines.map((line) => `${line}\n`).join(''));
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    write(socket, [first]);
    // The client's first line answers NICK. The server ignores the rest.
    socket.once('data', () => {
      write(socket, answers);
      socket.resume();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onCleanup(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return {
    port: (server.address() as AddressInfo).port,
    send: (...lines) => {
      for (const socket of sockets) write(socket, lines);
    },
  };
};
