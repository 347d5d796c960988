import { type Observable, tap } from 'rxjs';
import type { Connection } from '../../../streams/index.js';

/** Things heard that may wait for a command; beyond it the relay is not read. */
const WAITING = 64;

/** Things heard that may wait for standard output: a text of several parts, so that the next is there when one is written. */
export const OUTPUT_WAITING = 256;

/** Makes the relay wait for whoever takes what is heard. */
export interface Pressure {
  /** More wait, or fewer. */
  readonly add: (count: number) => void;
  /** Whether the relay is not read at present. */
  readonly isHeld: () => boolean;
  /** A way to the relay, which can be made to wait. */
  readonly through: <To>(connect: (to: To) => Observable<Connection>) => (to: To) => Observable<Connection>;
}

/**
 * What waits is at most `limit`, and what was in one more read of each connection: one that is made anew is read until
 * more comes, for its handshake.
 */
export const pressure = (limit: number = WAITING): Pressure => {
  let connection: Connection | undefined;
  let waiting = 0;
  let isHeld = false;

  return {
    add: (count) => {
      waiting += count;
      if (waiting > limit && !isHeld) {
        isHeld = true;
        connection?.pause();
      } else if (waiting <= limit / 2 && isHeld) {
        isHeld = false;
        connection?.resume();
      }
    },
    isHeld: () => isHeld,
    through: (connect) => (to) =>
      connect(to).pipe(
        tap((next) => {
          connection = next;
          isHeld = false;
        }),
      ),
  };
};
