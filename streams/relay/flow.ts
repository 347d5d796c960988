import type { Connection } from '../wire/connection.js';

/** The reading of a connection, which may be stopped. */
export type Flow = Pick<Connection, 'pause' | 'resume'>;

/** The reading of a connection that several may stop: it goes on once each of them has resumed it. */
export class SharedFlow implements Flow {
  readonly #connection: Flow;
  #holds = 0;

  constructor(connection: Flow) {
    this.#connection = connection;
  }

  /** Somebody paused it and has not resumed it yet. */
  get isHeld(): boolean {
    return this.#holds > 0;
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
