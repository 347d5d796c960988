import { concatMap, defer, type Observable, of, repeat, take } from 'rxjs';
import type { Sink } from '../wire/connection.js';

/**
 * A sink that takes one message, and the next one only after a gap: on a wire without framing, so that who takes what it
 * reads at once for one message most likely reads each by itself. Every write pushes back; `writable$` emits when the
 * sink has taken the last one and `gap$` has emitted since.
 *
 * ```text
 * write      1--------2----3
 * taken      y        n         (the sink takes 2 after a while)
 * writable   ---w--------…-w
 * ```
 *
 * @example
 * import { timer } from 'rxjs';
 * import { classic, type Connection } from 'rxchat/streams';
 *
 * const sink = (connection: Connection) => classic.oneAtATime(connection, timer(10));
 */
export const oneAtATime = (sink: Sink, gap$: Observable<unknown>): Sink => {
  let isTaken = true;
  return {
    write: (bytes) => {
      isTaken = sink.write(bytes);
      return false;
    },
    writable$: defer(() => (isTaken ? of(undefined) : sink.writable$.pipe(take(1)))).pipe(
      // One value at a time: nothing can queue here.
      concatMap(() => gap$.pipe(take(1))),
      repeat(),
    ),
  };
};
