import { Observable, Subscription } from 'rxjs';
import type { Sink } from '../wire/connection.js';
import { controlLine } from '../wire/control.js';
import { encodeLine } from '../wire/utf8.js';
import type { Cursor } from './roomLog.js';

/** What a subscriber is written from; a log's cursor is one. */
export type Reader = Pick<Cursor, 'read'>;

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
      /** While it catches up, be it that the sink has pushed back, notices are ignored. */
      let isCatchingUp = false;
      let draining = Subscription.EMPTY;
      let isOver = false;
      let hasBegun = false;

      /** Writes until the end or until the sink pushes back; whether it pushed back. */
      const write = (): boolean => {
        try {
          for (let read = cursor.read(); read !== undefined; read = cursor.read()) {
            const bytes =
              read instanceof Uint8Array ? read : encodeLine(controlLine({ type: 'gap', ...read }));
            if (!sink.write(bytes)) return true;
          }
        } catch (error) {
          subscriber.error(error);
        }
        return false;
      };
      const endWhereOver = () => {
        if (isOver && hasBegun && !isCatchingUp) subscriber.complete();
      };
      const stand = () => {
        isCatchingUp = false;
        draining.unsubscribe();
        endWhereOver();
      };
      const catchUp = () => {
        if (isCatchingUp) return;
        isCatchingUp = true;
        if (!write()) {
          stand();
          return;
        }
        draining = new Subscription();
        // The catch-up itself goes on through every drain: one that ended on a drain and waited for the next notice would
        // lose the wake-up that comes while it is still busy. A sink may be writable at once, and then this one is closed.
        draining.add(
          sink.writable$.subscribe({
            next: () => {
              if (!write()) stand();
            },
            error: (error: unknown) => {
              subscriber.error(error);
            },
            complete: stand,
          }),
        );
      };

      subscriber.add(() => {
        draining.unsubscribe();
      });
      subscriber.add(
        appended$.subscribe({
          next: catchUp,
          error: (error: unknown) => {
            subscriber.error(error);
          },
          complete: () => {
            isOver = true;
            endWhereOver();
          },
        }),
      );
      catchUp();
      hasBegun = true;
      endWhereOver();
    });
