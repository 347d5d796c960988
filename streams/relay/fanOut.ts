import { Observable, type Observer, type Subscriber, type Unsubscribable } from 'rxjs';
import type { Sink } from '../wire/connection.js';
import { Follower, type Reader } from './follower.js';

/**
 * Notices in, the log written out to one subscriber: backpressure by `exhaustMap`.
 *
 * Each notice ("the log has grown") makes the sink catch up: slices from the cursor to the end of the log, going on
 * at `writable$` when the sink pushes back. While that goes on, further notices are ignored: the catch-up ends only
 * once the cursor stands at the end, so it has seen whatever they would have told. There is no queue per subscriber;
 * a slow one holds a number. Where it fell out of the log it is told the hole in a `GAP` line and goes on.
 *
 * It catches up once by itself at the start. Emits nothing; completes when the notices have completed and the sink
 * has everything; errors with the notices, or with what the sink throws. Unsubscribing stops writing at a line's end.
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
 * import { encodeText, fanOut, roomLog } from 'rxchat/streams';
 *
 * const log = roomLog({ id: 'log', window: 1 << 20 });
 * log.append({ bytes: encodeText('+alice\n'), count: 1 });
 * log.commit(log.batch());
 * const sink = { write: (bytes: Uint8Array) => bytes.length > 0, writable$: NEVER };
 * of('grown').pipe(fanOut({ cursor: log.cursor(1), sink })).subscribe({ error: console.error });
 */
export const fanOut =
  ({ cursor, sink }: { cursor: Reader; sink: Sink }) =>
  (appended$: Observable<unknown>): Observable<never> =>
    new Observable((subscriber) => {
      const follower = new NoticeFollower(cursor, sink, subscriber);
      subscriber.add(follower);
      subscriber.add(appended$.subscribe(follower));
      follower.begin();
    });

class NoticeFollower extends Follower implements Observer<unknown>, Unsubscribable {
  readonly #cursor: Reader;
  readonly #subscriber: Subscriber<never>;
  #hasBegun = false;
  #isOver = false;

  constructor(cursor: Reader, sink: Sink, subscriber: Subscriber<never>) {
    super(sink);
    this.#cursor = cursor;
    this.#subscriber = subscriber;
  }

  begin(): void {
    this.catchUp();
    this.#hasBegun = true;
    this.stood();
  }

  next(): void {
    this.catchUp();
  }

  error(error: unknown): void {
    this.#subscriber.error(error);
  }

  complete(): void {
    this.#isOver = true;
    this.stood();
  }

  unsubscribe(): void {
    this.rest();
  }

  read(): ReturnType<Reader['read']> {
    return this.#cursor.read();
  }

  stood(): void {
    if (this.#isOver && this.#hasBegun && !this.isCatchingUp) this.#subscriber.complete();
  }

  failed(error: unknown): void {
    this.#subscriber.error(error);
  }
}
