import { Observable } from 'rxjs';
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
      let isOver = false;
      let hasBegun = false;
      const endWhereOver = () => {
        if (isOver && hasBegun && !follower.isCatchingUp) subscriber.complete();
      };
      const follower = new Follower({
        read: () => cursor.read(),
        sink,
        stood: endWhereOver,
        failed: (error) => {
          subscriber.error(error);
        },
      });

      subscriber.add(() => {
        follower.stop();
      });
      subscriber.add(
        appended$.subscribe({
          next: () => {
            follower.catchUp();
          },
          error: (error: unknown) => {
            subscriber.error(error);
          },
          complete: () => {
            isOver = true;
            endWhereOver();
          },
        }),
      );
      follower.catchUp();
      hasBegun = true;
      endWhereOver();
    });
