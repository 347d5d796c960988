import { type Observable, Subscription } from 'rxjs';
import { operate } from '../../rx/operate.js';
import type { Sink } from '../../wire/connection.js';
import { formatControl } from '../../wire/control.js';
import { encodeLine } from '../../wire/encoding.js';
import type { Cursor } from '../log/cursor.js';
import type { PendingRead } from '../log/history.js';

/** What a `LogWriter` reads; a cursor of a log is one. */
export type LogReader = Pick<Cursor, 'read'>;

/** The owner of a `LogWriter`: what it reads, and what it reports. */
export interface LogWriterOwner extends LogReader {
  /** Everything up to the end of the log is written. */
  onCaughtUp(): void;
  /** The sink threw, or its `writable$` errored: nothing more is written. */
  onError(error: unknown): void;
}

/**
 * Writes a log to a sink.
 *
 * `catchUp` writes until the end of the log, and continues at `writable$` after pushback, or when the log has fetched what
 * comes next. Calls while a catch-up is running are ignored: it reads to the end anyway. This is the backpressure of the
 * relay, with the semantics of `exhaustMap`.
 *
 * It calls its owner instead of callbacks of its own, since each member has a writer (ADR 0029).
 */
export class LogWriter {
  readonly #sink: Sink;
  readonly #owner: LogWriterOwner;
  /** To what a running catch-up waits for: `writable$`, or a read of the log. */
  #waiting = Subscription.EMPTY;
  #state: 'caught-up' | 'writing' | 'reading' = 'caught-up';

  constructor(sink: Sink, owner: LogWriterOwner) {
    this.#sink = sink;
    this.#owner = owner;
  }

  /** A catch-up is running, or waits for `writable$` or for the log. */
  get isCatchingUp(): boolean {
    return this.#state !== 'caught-up';
  }

  /** A catch-up is writing, or waits for `writable$`. */
  get isWriting(): boolean {
    return this.#state === 'writing';
  }

  catchUp(): void {
    if (this.#state === 'caught-up') this.#continue();
  }

  /** Does what `catchUp` does, but does not wait for the log: the owner has something else to write before that. */
  catchUpNow(): void {
    if (this.#state !== 'writing') this.#continue();
  }

  /** Stops writing. */
  stop(): void {
    this.#waiting.unsubscribe();
  }

  #continue(): void {
    this.#state = 'writing';
    const blocked = this.#write();
    if (blocked === undefined) this.#endCatchUp();
    else if (blocked === 'sink') this.#waitForSink();
    else this.#waitForLog(blocked);
  }

  /** Writes until the end of the log, or until the sink pushes back or the log has to fetch entries. */
  #write(): 'sink' | PendingRead | undefined {
    const sink = this.#sink;
    const owner = this.#owner;
    try {
      for (let read = owner.read(); read !== undefined; read = owner.read()) {
        let bytes = read;
        if (!(bytes instanceof Uint8Array)) {
          if ('ready$' in bytes) return bytes;
          bytes = encodeLine(formatControl({ type: 'gap', ...bytes }));
        }
        if (!sink.write(bytes)) return 'sink';
      }
    } catch (error) {
      owner.onError(error);
    }
    return undefined;
  }

  #waitForSink(): void {
    // One catch-up continues through every drain. If it ended at a drain and waited for the next notice, it would lose a
    // notice that arrives while it is still writing.
    if (!this.#waiting.closed) return;
    const waiting = new Subscription();
    this.#waiting = waiting;
    // A sink can be writable at once, which closes this subscription.
    waiting.add(
      this.#sink.writable$.subscribe({
        next: () => {
          this.#continue();
        },
        error: (error: unknown) => {
          this.#owner.onError(error);
        },
        complete: () => {
          this.#endCatchUp();
        },
      }),
    );
  }

  #waitForLog({ ready$ }: PendingRead): void {
    this.#state = 'reading';
    this.#waiting.unsubscribe();
    this.#waiting = ready$.subscribe({
      error: (error: unknown) => {
        this.#owner.onError(error);
      },
      complete: () => {
        // A subscription closes only after this handler.
        this.#waiting.unsubscribe();
        this.#continue();
      },
    });
  }

  #endCatchUp(): void {
    this.#state = 'caught-up';
    this.#waiting.unsubscribe();
    this.#owner.onCaughtUp();
  }
}

/**
 * Writes a log to one sink each time it grows. Notices that arrive during a write are ignored, as by `exhaustMap`.
 *
 * Each notice writes from the cursor to the end of the log, and continues at `writable$` when the sink pushes back. There is
 * no queue per subscriber: a slow one is a number. If it fell out of the log, it gets a `GAP` line and continues.
 *
 * It writes once by itself at the start. Emits nothing. Completes when the notices have completed and everything is written.
 * Errors with the notices, or with what the sink throws. Unsubscribing stops at the end of a line.
 *
 * ```text
 * appended   1---2-3---------|
 * written    (1)-(2)----(3)--       write of 2 pushed back
 * writable   -----------w
 *                fanOut({ cursor, sink })
 *            ----------------|
 * ```
 *
 * @example
 * import { of, NEVER } from 'rxjs';
 * import { encodeText, fanOut } from 'rxchat/streams';
 * import { roomLog } from '../log/roomLog.js';
 *
 * const log = roomLog({ id: 'log', windowBytes: 1 << 20 });
 * log.append({ bytes: encodeText('+alice\n'), count: 1 });
 * log.commit(log.batch());
 * const sink = { write: (bytes: Uint8Array) => bytes.length > 0, writable$: NEVER };
 * of('grown').pipe(fanOut({ cursor: log.cursor(1), sink })).subscribe({ error: console.error });
 */
export const fanOut = ({
  cursor,
  sink,
}: {
  cursor: LogReader;
  sink: Sink;
}): ((appended$: Observable<unknown>) => Observable<never>) =>
  operate<unknown, never>((subscriber) => {
    let isComplete = false;
    const completeIfDone = () => {
      if (isComplete && !writer.isCatchingUp) subscriber.complete();
    };
    const writer = new LogWriter(sink, {
      read: () => cursor.read(),
      onCaughtUp: completeIfDone,
      onError: (error) => {
        subscriber.error(error);
      },
    });
    subscriber.add(() => {
      writer.stop();
    });
    writer.catchUp();
    return {
      next: () => {
        writer.catchUp();
      },
      complete: () => {
        isComplete = true;
        completeIfDone();
      },
    };
  });
