import type { FormattedBatch } from './commitPlan.js';
import type { Plan } from './plan.js';
import { backoffMs } from './readRecords.js';
import { isReserved, type Reservation } from './reservation.js';
import type { RoomContext } from './roomContext.js';
import type { RoomInput } from './roomInput.js';

export type AppendAnswer = Extract<
  RoomInput,
  { type: 'appended' | 'append-refused' | 'append-failed' | 'confirm' }
>;

export interface PlannedBatch extends FormattedBatch {
  readonly number: number;
  readonly plan: Plan;
}

/** Time in ms in which a batch that was stored should be followed. */
const CONFIRM_MS = 20;

/**
 * Number of refusals after which the batch is appended again at once. Usually another batch was first, which is read then. A
 * leader that waits for the other servers refuses every batch, without another one that could be read.
 */
const MAX_PROMPT_RETRIES = 1;

/**
 * A batch that is being appended, until it is read back or another batch comes first.
 *
 * Only reading it back shows that it is valid. Until then the same bytes are appended again: stored twice, it counts once.
 */
export class PendingAppend implements PlannedBatch {
  readonly number: number;
  readonly plan: Plan;
  readonly bytes: Uint8Array;
  readonly reservation: Reservation | undefined;
  readonly since: number;
  readonly #context: RoomContext;
  /** It is appended again once all records are read. */
  #isRetryDue = false;
  #failures = 0;
  #refusals = 0;

  constructor(context: RoomContext, { number, plan, bytes, reservation }: PlannedBatch) {
    this.#context = context;
    this.number = number;
    this.plan = plan;
    this.bytes = bytes;
    this.reservation = reservation;
    this.since = context.now;
    this.#append();
  }

  #append(): void {
    this.#isRetryDue = false;
    const { number, bytes, reservation: needed } = this;
    const { shared, reserved, effects } = this.#context;
    const reservation = needed === undefined || isReserved(needed, reserved) ? undefined : needed;
    effects.push({ type: 'append', number, bytes, expectedLast: shared.chain.read, reservation });
  }

  onAnswer(answer: AppendAnswer): void {
    switch (answer.type) {
      case 'appended':
        // It is followed, unless that was missed.
        this.#context.schedule({ ...answer, type: 'confirm' }, CONFIRM_MS);
        return;
      case 'append-failed': {
        this.#failures += 1;
        const confirm = { type: 'confirm', number: this.number, address: undefined } as const;
        this.#context.schedule(confirm, backoffMs(this.#failures + 1));
        return;
      }
      case 'append-refused': {
        this.#refusals += 1;
        const { number, last: address } = answer;
        if (this.#refusals <= MAX_PROMPT_RETRIES) this.#readAndRetry(address);
        else
          this.#context.schedule(
            { type: 'confirm', number, address },
            backoffMs(this.#refusals - MAX_PROMPT_RETRIES - 1),
          );
        return;
      }
      case 'confirm':
        this.#readAndRetry(answer.address);
    }
  }

  #readAndRetry(target: number | undefined): void {
    this.#isRetryDue = true;
    this.#context.effects.push({ type: 'request', target });
  }

  /** All records are read. */
  onCurrent(): void {
    if (this.#isRetryDue) this.#append();
  }
}
