import { interval, map, type MonoTypeOperatorFunction } from 'rxjs';
import { operate } from '../rx/operate.js';
import { ConnectionError } from './errors.js';

export interface HeartbeatOptions {
  /** Interval in ms; the peer is lost after two intervals of silence. */
  readonly periodMs: number;
  /** Called to ask a silent peer for a `PONG`. */
  readonly sendPing: () => void;
  /** Returns whether reading is paused: then silence does not count. */
  readonly isPaused?: () => boolean;
}

/** Number of ticks in a heartbeat interval. */
export const TICKS_PER_HEARTBEAT = 2;
const MAX_SILENT_TICKS = 2 * TICKS_PER_HEARTBEAT;

/**
 * Counts the ticks of a heartbeat during which nothing was received.
 *
 * It counts ticks and not time: a process that was suspended for a minute sees one late tick, and then reads what has arrived.
 */
export class SilenceCounter {
  #silentTicks = 0;
  #pausedTicks = 0;

  /** Resets the count, since something was received. */
  reset(): void {
    this.#silentTicks = 0;
  }

  /**
   * Counts a tick, and returns what is due.
   *
   * `silent` after one interval of silence, `lost` after two, `paused` after each interval in which reading was paused.
   */
  tick(isPaused: boolean): 'silent' | 'lost' | 'paused' | undefined {
    if (isPaused) {
      this.#silentTicks = 0;
      this.#pausedTicks += 1;
      return this.#pausedTicks % TICKS_PER_HEARTBEAT === 0 ? 'paused' : undefined;
    }
    this.#pausedTicks = 0;
    this.#silentTicks += 1;
    if (this.#silentTicks === MAX_SILENT_TICKS) return 'lost';
    return this.#silentTicks === TICKS_PER_HEARTBEAT ? 'silent' : undefined;
  }
}

/** Creates the error of a connection that is `lost`. */
export const silenceError = (): ConnectionError => new ConnectionError('the connection is silent');

/**
 * Passes values on, and errors with `ConnectionError` when none arrives for two intervals.
 *
 * It detects a connection of which only one half is left. After about one silent interval it calls `sendPing`, which leaves
 * the peer a whole interval for its answer. It errors between one and a half and two intervals after the last value, or
 * after the start. It also errors with what `sendPing` throws. While reading is paused, silence does not count. Otherwise it
 * completes and errors with its source. All of these, and unsubscribing, stop its one timer.
 *
 * ```text
 * value   -a-b-c--------
 *           heartbeat({ periodMs: 4, sendPing })
 * ping    --------p
 *         -a-b-c------#     ticks at 2, 4, 6, …: the second silent tick sends a PING, the fourth errors
 * ```
 *
 * @example
 * import { type Connection, encodeText, heartbeat } from 'rxchat/streams';
 *
 * const monitored = ({ chunk$, write }: Connection) =>
 *   chunk$.pipe(heartbeat({ periodMs: 15_000, sendPing: () => write(encodeText('PING 0\n')) }));
 */
export const heartbeat = <T>({
  periodMs,
  sendPing,
  isPaused = () => false,
}: HeartbeatOptions): MonoTypeOperatorFunction<T> =>
  operate((subscriber) => {
    const silence = new SilenceCounter();
    const tick = () => {
      const due = silence.tick(isPaused());
      if (due === 'lost') throw silenceError();
      if (due === 'silent') sendPing();
    };
    subscriber.add(
      interval(periodMs / TICKS_PER_HEARTBEAT)
        .pipe(map(tick))
        .subscribe({
          error: (error: unknown) => {
            subscriber.error(error);
          },
        }),
    );
    return {
      next: (value) => {
        silence.reset();
        subscriber.next(value);
      },
    };
  });
