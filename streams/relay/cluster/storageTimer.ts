import type { RoomContext } from './roomContext.js';

/** Number of periods in which `storeTimeoutMs` is divided. */
const PERIODS = 8;

/** Notices that something has waited for `storeTimeoutMs` without progress. One timer runs while something waits. */
export class StorageTimer {
  readonly #context: RoomContext;
  #isRunning = false;
  /** Number of periods in which something has waited without progress. */
  #stuckPeriods = 0;

  constructor(context: RoomContext) {
    this.#context = context;
  }

  /** A batch was stored. */
  onProgress(): void {
    this.#stuckPeriods = 0;
  }

  /** Starts the timer, if something waits. */
  watch(isIdle: boolean): void {
    if (isIdle) this.#stuckPeriods = 0;
    else if (!this.#isRunning) {
      this.#isRunning = true;
      this.#context.schedule({ type: 'store-timeout' }, this.#context.options.storeTimeoutMs / PERIODS);
    }
  }

  /** A period has ended. Returns whether something has waited for too long. */
  onTimeout(isIdle: boolean): boolean {
    this.#isRunning = false;
    if (isIdle) return false;
    this.#stuckPeriods += 1;
    // The first period may have begun before something waited.
    if (this.#stuckPeriods <= PERIODS) return false;
    this.#stuckPeriods = 0;
    return true;
  }
}
