import type { RoomContext } from './roomContext.js';

/** A snapshot is old after this part of the time for which the engine keeps it. */
const OLD_AGE = 1 / 4;
/** Timers of some platforms end at once if they are longer than 24 days. */
const MAX_TIMER_MS = 86_400_000;

/**
 * Notices that the last snapshot is old, so that another one is written before the engine removes it.
 *
 * Without one, a relay that opens the room would not find the members that are connected to others.
 */
export class SnapshotTimer {
  readonly #context: RoomContext;
  #isRunning = false;
  /** Time at which the last snapshot was read. */
  #readAt = 0;

  constructor(context: RoomContext) {
    this.#context = context;
  }

  /** The room was read to its end. */
  start(): void {
    if (this.#isRunning || this.#context.options.maxAgeMs === Infinity) return;
    this.#readAt = this.#context.now;
    this.#schedule();
  }

  onSnapshot(): void {
    this.#readAt = this.#context.now;
  }

  /** The timer has ended. Returns whether the last snapshot is old. */
  onTimeout(): boolean {
    const isOld = this.#remainingMs <= 0;
    if (isOld) this.#readAt = this.#context.now;
    this.#schedule();
    return isOld;
  }

  get #remainingMs(): number {
    const { options, now } = this.#context;
    return this.#readAt + options.maxAgeMs * OLD_AGE - now;
  }

  #schedule(): void {
    this.#isRunning = true;
    this.#context.schedule({ type: 'snapshot-timeout' }, Math.min(this.#remainingMs, MAX_TIMER_MS));
  }
}
