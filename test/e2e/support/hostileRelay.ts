import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { greetingLine, toBase64url } from '../../../streams/index.js';
import { atEnd } from './endings.js';

/** All that could do something to a terminal, in one word. */
export const HOSTILE: string = [
  'h\x1b[31m\x1b[2J\x1b[1;1Hostile',
  '\x1b]0;owned\x07\x1b]8;;https://evil.example\x1b\\\x1b]52;c;b3duZWQ=\x07',
  '\x1bP+q544e\x1b\\\x9b31m\x9d0;owned\x9c\x90q\x9c',
  '\r\b\t\0\x7f\x85\x0e',
  '\u202e\u2066\u200b\u200e\u200d\ufe0f\u2060\ufeff\u{e0041}\u2028\u2029\ue000',
  `a${'\u0301'.repeat(1000)}`,
].join('');

/** The same in a nick, which an envelope holds only where it has at most 32 characters. */
export const HOSTILE_NICK = 'h\x1b[31m\r\x9b2J\x1b]0;o\x07\u202e\u200b\u{e0041} x: \b';

/** How that is shown; and how the beginning of the other is. */
export const SHOWN_NICK = 'h␛[31m␍\\u{9b}2J␛]0;o␇\\u{202e}\\u{200b}\\u{e0041}␠x:␠␈';
export const SHOWN = 'h␛[31m␛[2J␛[1;1Hostile␛]0;owned␇';

/** The first line of an honest relay. */
export const GREETING: string = greetingLine(toBase64url(new Uint8Array(32).fill(7)));

/** The answer of a relay that lets in, with its fields as they are given. */
export const welcomeWith = (more: string): string => `WELCOME next=9 first=1 from=1 count=3 ${more}`;

/** Something that listens like a relay and says what it is told to; resolves with its port. */
export const startHostileRelay = async (
  first: string,
  ...answers: readonly string[]
): Promise<{ readonly port: number; readonly say: (...lines: readonly string[]) => void }> => {
  const sockets = new Set<Socket>();
  const write = (socket: Socket, lines: readonly string[]) =>
    void socket.write(lines.map((line) => `${line}\n`).join(''));
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    write(socket, [first]);
    // The answer to NICK is its first line; the rest is not looked at.
    socket.once('data', () => {
      write(socket, answers);
      socket.resume();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  atEnd(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return {
    port: (server.address() as AddressInfo).port,
    say: (...lines) => {
      for (const socket of sockets) write(socket, lines);
    },
  };
};
