import type { Heard, Said } from '../../streams/index.js';

/** How far a sender is: counts of lines. */
export interface Receipts {
  /** Takes note of what was heard. */
  take(heard: Heard): void;
  readonly said: number;
  readonly stored: number;
  /** Lines that went out and did not come back yet, oldest first. */
  readonly pending: readonly string[];
  /** Bytes of the tokens that carry them. */
  readonly pendingBytes: number;
  /** Whether something said holds U+FFFD, which stands for bytes that were no text. */
  readonly damaged: boolean;
  /** All that was to be said went out. */
  readonly saidAll: boolean;
  /** And all of it came back. */
  readonly done: boolean;
}

/** Keeps the account of what a sender said and what of it was stored. */
export const receipts = (): Receipts => {
  let pending: readonly Said[] = [];
  let said = 0;
  let stored = 0;
  let pendingBytes = 0;
  let saidAll = false;
  let damaged = false;

  return {
    take: (heard) => {
      switch (heard.type) {
        case 'said':
          pending = [...pending, heard];
          said += heard.lines.length;
          pendingBytes += heard.bytes;
          damaged ||= heard.lines.some((line) => line.includes('\ufffd'));
          break;
        case 'stored':
          pending = pending.filter(({ token }) => token !== heard.token);
          stored += heard.lines.length;
          pendingBytes -= heard.bytes;
          break;
        case 'said-all':
          saidAll = true;
          break;
        default:
      }
    },
    get said() {
      return said;
    },
    get stored() {
      return stored;
    },
    get pending() {
      return pending.flatMap(({ lines }) => lines);
    },
    get pendingBytes() {
      return pendingBytes;
    },
    get damaged() {
      return damaged;
    },
    get saidAll() {
      return saidAll;
    },
    get done() {
      return saidAll && pending.length === 0;
    },
  };
};
