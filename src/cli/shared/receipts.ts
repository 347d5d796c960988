import type { ClientEvent, QueuedMessage } from '../../../streams/index.js';

/** Progress of a sender, counted in lines. */
export interface Receipts {
  /** Updates the counts with an event. */
  update(event: ClientEvent): void;
  readonly sent: number;
  readonly stored: number;
  /** Lines that were sent and have no receipt yet, oldest first. */
  readonly pending: readonly string[];
  /** Size of the tokens of these lines, in bytes. */
  readonly pendingBytes: number;
  /** Whether a sent line contains U+FFFD, which replaces invalid UTF-8. */
  readonly hasReplacements: boolean;
  /** Whether all input was sent. */
  readonly isInputComplete: boolean;
  /** Whether all input was sent and stored. */
  readonly isDone: boolean;
}

/** Tracks which lines were sent and which were stored. */
export const trackReceipts = (): Receipts => {
  let pending: readonly QueuedMessage[] = [];
  let sent = 0;
  let stored = 0;
  let pendingBytes = 0;
  let isInputComplete = false;
  let hasReplacements = false;

  return {
    update: (event) => {
      switch (event.type) {
        case 'queued':
          pending = [...pending, event];
          sent += event.lines.length;
          pendingBytes += event.bytes;
          hasReplacements ||= event.lines.some((line) => line.includes('\ufffd'));
          break;
        case 'stored':
          pending = pending.filter((each) => !isSameMessage(each, event));
          stored += event.lines.length;
          pendingBytes -= event.bytes;
          break;
        case 'input-complete':
          isInputComplete = true;
          break;
        default:
      }
    },
    get sent() {
      return sent;
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
    get hasReplacements() {
      return hasReplacements;
    },
    get isInputComplete() {
      return isInputComplete;
    },
    get isDone() {
      return isInputComplete && pending.length === 0;
    },
  };
};

/**
 * Whether two events are about the same message. Its token changes if the keys of a group change before the receipt, and
 * then the array of its lines stays the same.
 */
export const isSameMessage = (
  one: Pick<QueuedMessage, 'token' | 'lines'>,
  other: Pick<QueuedMessage, 'token' | 'lines'>,
): boolean => one.lines === other.lines || one.token === other.token;
