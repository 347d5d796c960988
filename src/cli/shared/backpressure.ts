import { type Observable, tap } from 'rxjs';
import type { Connection } from '../../../streams/index.js';

/** Number of events that may wait for a command. Above it, the client stops reading from the relay. */
const COMMAND_QUEUE_LIMIT = 64;

/**
 * Number of events that may wait for standard output. It covers several parts of a text, so that the next
 * part is ready when a part has been written.
 */
export const OUTPUT_QUEUE_LIMIT = 256;

/** Stops reading from the relay while too many events wait for their consumer. */
export interface Backpressure {
  /** Adds `count`, which may be negative, to the number of waiting events. */
  readonly add: (count: number) => void;
  /** Whether the client has stopped reading from the relay. */
  readonly isPaused: () => boolean;
  /** Wraps a connect function so that its connections can be paused. */
  readonly wrapConnect: <To>(
    connect: (to: To) => Observable<Connection>,
  ) => (to: To) => Observable<Connection>;
}

/**
 * Creates the backpressure of a client: it pauses the connection above `limit` events and resumes at half of
 * it. Events of the read in progress come on top. A new connection starts unpaused because its handshake has
 * to be read.
 */
export const createBackpressure = (limit: number = COMMAND_QUEUE_LIMIT): Backpressure => {
  let connection: Connection | undefined;
  let queued = 0;
  let isPaused = false;

  return {
    add: (count) => {
      queued += count;
      if (queued > limit && !isPaused) {
        isPaused = true;
        connection?.pause();
      } else if (queued <= limit / 2 && isPaused) {
        isPaused = false;
        connection?.resume();
      }
    },
    isPaused: () => isPaused,
    wrapConnect: (connect) => (to) =>
      connect(to).pipe(
        tap((next) => {
          connection = next;
          isPaused = false;
        }),
      ),
  };
};
