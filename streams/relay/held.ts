import type { Connection } from '../wire/connection.js';

/** A connection that knows whether we read it. */
export interface HeldConnection extends Connection {
  /** Somebody paused it and has not resumed it yet. */
  readonly isHeld: boolean;
}

/** A connection that several may pause: it reads on once each of them has resumed it. */
export const held = (connection: Connection): HeldConnection => new Held(connection);

/** A class, since as an object of closures it took 0.6 KiB more for each member. */
class Held implements HeldConnection {
  readonly peer: string;
  readonly channelBinding: Uint8Array;
  readonly #connection: Connection;
  #holds = 0;

  constructor(connection: Connection) {
    this.peer = connection.peer;
    this.channelBinding = connection.channelBinding;
    this.#connection = connection;
  }

  get chunk$() {
    return this.#connection.chunk$;
  }

  get writable$() {
    return this.#connection.writable$;
  }

  get isHeld() {
    return this.#holds > 0;
  }

  write(bytes: Uint8Array): boolean {
    return this.#connection.write(bytes);
  }

  close(): void {
    this.#connection.close();
  }

  pause(): void {
    this.#holds += 1;
    if (this.#holds === 1) this.#connection.pause();
  }

  resume(): void {
    this.#holds -= 1;
    if (this.#holds === 0) this.#connection.resume();
  }
}
