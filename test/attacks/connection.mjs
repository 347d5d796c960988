/** Lines over TCP, and a member that implements the protocol itself. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { clearInterval, setInterval } from 'node:timers';
import { Author, helloOf, isEntry, random64 } from './protocol.mjs';

/** A connection as lines: `line()` resolves with the next one, or with `undefined` when the peer has ended. */
export class LineConnection {
  #lines = [];
  #waiting = [];
  #rest = '';
  ended = false;

  constructor(socket) {
    this.socket = socket;
    socket.setEncoding('utf8');
    socket.on('error', () => undefined);
    socket.on('data', (text) => this.#take(text));
    socket.on('close', () => this.#end());
    socket.on('end', () => this.#end());
  }

  #take(text) {
    const parts = (this.#rest + text).split('\n');
    this.#rest = parts.pop();
    for (const line of parts) {
      const next = this.#waiting.shift();
      if (next === undefined) this.#lines.push(line);
      else next(line);
    }
  }

  #end() {
    this.ended = true;
    for (const next of this.#waiting.splice(0)) next(undefined);
  }

  line() {
    if (this.#lines.length > 0) return Promise.resolve(this.#lines.shift());
    if (this.ended) return Promise.resolve(undefined);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Resolves with the next line that the test accepts, or with `undefined` when the peer has ended. */
  async until(test) {
    for (;;) {
      const line = await this.line();
      if (line === undefined || test(line)) return line;
    }
  }

  write(line) {
    if (!this.socket.destroyed) this.socket.write(`${line}\n`);
  }

  /** Writes a line, and resolves once the socket accepts more. */
  async writeSlowly(line) {
    if (!this.socket.destroyed && !this.socket.write(`${line}\n`))
      await Promise.race([once(this.socket, 'drain'), once(this.socket, 'close')]).catch(() => undefined);
  }

  close() {
    this.socket.destroy();
  }
}

/** Connects to a port of this machine, from another loopback address if one is given. */
export const connectLines = async (port, localAddress) => {
  const socket = connect({ port, host: '127.0.0.1', localAddress });
  const connection = new LineConnection(socket);
  await once(socket, 'connect');
  return connection;
};

/** Interval in ms of the PONGs of a member. A relay removes a member that is silent for 30 s. */
const KEEP_ALIVE_MS = 5000;

/** A member of a room at a relay, which sends a `PONG` now and then and answers each `PING` that it reads. */
export class Member {
  static async join(port, room, nick, { fields = '', localAddress, session = random64(16), person } = {}) {
    const connection = await connectLines(port, localAddress);
    const greeting = await connection.line();
    const nonce = /nonce=(\S+)/.exec(greeting ?? '')?.[1];
    if (nonce === undefined) return { refusal: greeting ?? 'closed', connection };
    connection.write(helloOf({ room, nonce, nick, session, fields }));
    const answer = await connection.line();
    if (!answer?.startsWith('WELCOME')) return { refusal: answer ?? 'closed', connection };
    return new Member(connection, room, nick, answer, person);
  }

  constructor(connection, room, nick, welcome, person) {
    this.connection = connection;
    this.welcome = Object.fromEntries(
      welcome
        .split(' ')
        .slice(1)
        .map((field) => field.split(/=(.*)/s).slice(0, 2)),
    );
    this.author = new Author(room, nick, person);
    const keepAlive = setInterval(() => {
      if (connection.socket.writable) connection.write('PONG 0');
    }, KEEP_ALIVE_MS);
    connection.socket.once('close', () => clearInterval(keepAlive));
  }

  /**
   * Sends a token and resolves once its echo, the receipt, arrives; with `false` if the relay ends the connection
   * first.
   */
  async send(token) {
    this.connection.write(token);
    return (await this.entry((line) => line === token)) !== undefined;
  }

  /** Resolves with the next entry that the test accepts, and answers `PING` meanwhile. */
  async entry(test = () => true) {
    return this.connection.until((line) => {
      if (line.startsWith('PING ')) this.connection.write(`PONG ${line.slice(5)}`);
      return isEntry(line) && test(line);
    });
  }

  leave() {
    this.connection.write('BYE leaving 0');
    this.connection.socket.end();
  }
}
