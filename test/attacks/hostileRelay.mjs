/**
 * A relay of the attacker. It orders and stores lines as an honest one does, and misbehaves on request. It checks no
 * proof, since the attacker admits everyone.
 */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { LineConnection } from './connection.mjs';
import { isEntry, random64 } from './protocol.mjs';

export class HostileRelay {
  /** The log that this relay reports, in order. It may show members other entries. */
  entries = [];
  members = new Map();
  #waiting = new Set();

  /**
   * `welcome(fields, member)` may change the fields of `WELCOME`; `show(line, position, member)` returns what a
   * member receives there.
   */
  static async start({ log = random64(12), welcome = (fields) => fields, show = (line) => line } = {}) {
    const relay = new HostileRelay();
    Object.assign(relay, { log, welcome, show });
    relay.server = createServer(
      (socket) => void relay.#serve(new LineConnection(socket)).catch(() => undefined),
    );
    relay.server.listen(0, '127.0.0.1');
    await once(relay.server, 'listening');
    relay.port = relay.server.address().port;
    return relay;
  }

  async #serve(connection) {
    connection.write(`NICK rxchat/1 nonce=${random64(32)}`);
    const hello = await connection.line();
    const [, nick] = /^NICK (\S+)/.exec(hello ?? '') ?? [];
    if (nick === undefined) return connection.close();
    const member = { nick, hello, connection };
    const next = this.entries.length + 1;
    const [, log, read] = /\bafter=([^/\s]+)\/(\d+)/.exec(hello) ?? [];
    const from =
      log === this.log ? Math.min(Number(read) + 1, next) : /\b(after|last)=/.test(hello) ? 1 : next;
    this.members.set(nick, member);
    const nicks = [...this.members.keys()];
    const fields = this.welcome(
      {
        log: this.log,
        next,
        first: 1,
        from,
        durability: 'disk',
        count: nicks.length,
        members: nicks.join(','),
      },
      member,
    );
    connection.write(
      `WELCOME ${Object.entries(fields)
        .map(([key, value]) => `${key}=${value}`)
        .join(' ')}`,
    );
    member.started = true;
    for (let n = from; n <= this.entries.length; n += 1) this.#give(member, n);
    this.append(`+${nick}`);
    for (;;) {
      const line = await connection.line();
      if (line === undefined || line.startsWith('BYE')) break;
      if (line.startsWith('PING')) connection.write(`PONG ${member.given ?? fields.from - 1}`);
      else if (line.startsWith('PONG')) member.onPong?.(Number(line.slice(5)));
      else if (isEntry(line)) this.append(line);
    }
    if (this.members.get(nick) === member) {
      this.members.delete(nick);
      this.append(`-${nick}`);
    }
    connection.close();
  }

  /** Appends a line to the log and shows it to every member. */
  append(line) {
    this.entries.push(line);
    for (const member of this.members.values()) if (member.started) this.#give(member, this.entries.length);
    for (const waiter of [...this.#waiting]) {
      if (!waiter.test(line)) continue;
      this.#waiting.delete(waiter);
      waiter.done(line);
    }
  }

  #give(member, position) {
    const line = this.show(this.entries[position - 1], position, member);
    if (line === undefined) return;
    member.given = position;
    member.connection.write(line);
  }

  /** Resolves with the next token from any member. */
  nextToken() {
    return this.#next((line) => line.startsWith('gAAAA'));
  }

  /** Resolves once that nick is a member. */
  joined(nick) {
    return this.members.has(nick) ? undefined : this.#next((line) => line === `+${nick}`);
  }

  #next(test) {
    return new Promise((done) => this.#waiting.add({ test, done }));
  }

  /** Resolves once that member has read everything that was sent to it. */
  caughtUp(nick) {
    const member = this.members.get(nick);
    if (member?.given === undefined) return undefined;
    return new Promise((done) => {
      member.onPong = (position) => {
        if (position >= member.given) done();
      };
      member.connection.write(`PING ${member.given}`);
    });
  }

  /** Sends a line to a member outside the log. */
  send(nick, line) {
    this.members.get(nick)?.connection.write(line);
  }

  close() {
    for (const { connection } of this.members.values()) connection.close();
    this.server.close();
  }
}
