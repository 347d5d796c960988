import { Subscription } from 'rxjs';
import type { Sink } from '../wire/connection.js';
import { controlLine } from '../wire/control.js';
import { encodeLine } from '../wire/utf8.js';
import type { Cursor } from './logCursor.js';

/** What a subscriber is written from; a log's cursor is one. */
export type Reader = Pick<Cursor, 'read'>;

/** Who has somebody follow a log. */
export interface Leader extends Reader {
  readonly sink: Sink;
  /** It stands at the end of the log. */
  stood(): void;
  /** The sink threw, or its `writable$` errored: it follows no more. */
  failed(error: unknown): void;
}

/**
 * One sink that follows a log: told that there is more, it writes until it stands at the end, going on at `writable$` where
 * the sink pushes back. What it is told meanwhile is ignored, since it has then seen that too. This is what `fanOut`
 * does with each notice, as one object, for who serves many.
 */
export class Follower {
  readonly #leader: Leader;
  #draining = Subscription.EMPTY;
  /** While it catches up, be it that the sink has pushed back. */
  isCatchingUp = false;

  constructor(leader: Leader) {
    this.#leader = leader;
  }

  catchUp(): void {
    if (this.isCatchingUp) return;
    this.isCatchingUp = true;
    if (!this.#write()) {
      this.#stand();
      return;
    }
    const draining = new Subscription();
    this.#draining = draining;
    // The catch-up itself goes on through every drain: one that ended on a drain and waited for the next notice would
    // lose the wake-up that comes while it is still busy. A sink may be writable at once, and then this one is closed.
    draining.add(
      this.#leader.sink.writable$.subscribe({
        next: () => {
          if (!this.#write()) this.#stand();
        },
        error: (error: unknown) => {
          this.#leader.failed(error);
        },
        complete: () => {
          this.#stand();
        },
      }),
    );
  }

  /** Writes no more. */
  stop(): void {
    this.#draining.unsubscribe();
  }

  /** Writes until the end or until the sink pushes back; whether it pushed back. */
  #write(): boolean {
    const leader = this.#leader;
    try {
      for (let read = leader.read(); read !== undefined; read = leader.read()) {
        const bytes = read instanceof Uint8Array ? read : encodeLine(controlLine({ type: 'gap', ...read }));
        if (!leader.sink.write(bytes)) return true;
      }
    } catch (error) {
      leader.failed(error);
    }
    return false;
  }

  #stand(): void {
    this.isCatchingUp = false;
    this.#draining.unsubscribe();
    this.#leader.stood();
  }
}
