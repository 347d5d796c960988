import { Subscription } from 'rxjs';
import type { Sink } from '../wire/connection.js';
import { controlLine } from '../wire/control.js';
import { encodeLine } from '../wire/utf8.js';
import type { Cursor } from './logCursor.js';

/** What a subscriber is written from; a log's cursor is one. */
export type Reader = Pick<Cursor, 'read'>;

/**
 * One sink that follows a log: told that there is more, it writes until it stands at the end, going on at `writable$` where
 * the sink pushes back. What it is told meanwhile is ignored, since it has then seen that too. This is what `fanOut`
 * does with each notice, as one object, for who serves many.
 */
export abstract class Follower implements Reader {
  readonly #sink: Sink;
  #draining = Subscription.EMPTY;
  /** While it catches up, be it that the sink has pushed back. */
  isCatchingUp = false;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  abstract read(): ReturnType<Reader['read']>;
  /** It stands at the end of the log. */
  abstract stood(): void;
  /** The sink threw, or its `writable$` errored: it follows no more. */
  abstract failed(error: unknown): void;

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
      this.#sink.writable$.subscribe({
        next: () => {
          if (!this.#write()) this.#stand();
        },
        error: (error: unknown) => {
          this.failed(error);
        },
        complete: () => {
          this.#stand();
        },
      }),
    );
  }

  /** Writes no more. */
  rest(): void {
    this.#draining.unsubscribe();
  }

  /** Writes until the end or until the sink pushes back; whether it pushed back. */
  #write(): boolean {
    const sink = this.#sink;
    try {
      for (let read = this.read(); read !== undefined; read = this.read()) {
        const bytes = read instanceof Uint8Array ? read : encodeLine(controlLine({ type: 'gap', ...read }));
        if (!sink.write(bytes)) return true;
      }
    } catch (error) {
      this.failed(error);
    }
    return false;
  }

  #stand(): void {
    this.isCatchingUp = false;
    this.#draining.unsubscribe();
    this.stood();
  }
}
