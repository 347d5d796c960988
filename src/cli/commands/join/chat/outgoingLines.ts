import type { Act, ClientEvent, QueuedMessage } from '../../../../../streams/index.js';
import { safe, type SafeText } from '../../../../text/sanitize.js';
import { isSameMessage } from '../../../shared/receipts.js';
import { messageText } from './eventLine.js';
import { info, type Line } from './line.js';

/** Maximum number of own lines in the footer; the others are counted. */
const FOOTER_LIMIT = 5;

/** Maximum number of failed lines to keep; older lines are dropped. */
const FAILED_LIMIT = 20;

/** The user's lines that are not stored yet or cannot be sent. */
export interface OutgoingLines {
  /** Handles an event, with the time of day and a monotonic time, both in ms. */
  readonly update: (event: ClientEvent, now: number, elapsed: number) => void;
  /** Adds a line that cannot be sent. */
  readonly fail: (text: string, reason: SafeText, now: number) => void;
  /** Removes the failed lines, and returns their number. */
  readonly discard: () => number;
  /** Returns the lines for the footer. */
  readonly lines: (nick: SafeText) => readonly Line[];
  readonly pending: number;
  /** The monotonic time in ms at which the oldest pending line was sent. */
  readonly oldestPendingMs: number | undefined;
}

interface PendingLine {
  readonly message: QueuedMessage;
  readonly text: string;
  readonly act: Act | undefined;
  readonly time: number;
  readonly sinceMs: number;
}

interface FailedLine {
  readonly text: string;
  readonly reason: SafeText;
  readonly time: number;
}

/**
 * Tracks the user's lines until they are stored.
 * A line with `◌` waits for its receipt and is resent automatically. A line with `✗` cannot be sent, and shows why.
 */
export const outgoingLines = (): OutgoingLines => {
  let pending: readonly PendingLine[] = [];
  let failed: readonly FailedLine[] = [];

  return {
    update: (event, now, elapsed) => {
      if (event.type === 'queued')
        pending = [
          ...pending,
          ...event.lines.map((text) => ({
            message: event,
            text,
            act: event.act,
            time: now,
            sinceMs: elapsed,
          })),
        ];
      if (event.type === 'stored') pending = pending.filter(({ message }) => !isSameMessage(message, event));
    },
    fail: (text, reason, time) => {
      failed = [...failed, { text, reason, time }].slice(-FAILED_LIMIT);
    },
    discard: () => {
      const { length } = failed;
      failed = [];
      return length;
    },
    lines: (name) => {
      const author = { nick: name, key: undefined };
      const waiting = pending.slice(0, FOOTER_LIMIT).map(({ text, act, time }): Line => {
        return { tone: 'pending', status: safe`\u25cc`, time, ...messageText({ ...author, act }, text) };
      });
      const hiddenCount = pending.length - waiting.length;
      return [
        ...failed.slice(-FOOTER_LIMIT).map(({ text, reason, time }): Line => ({
          tone: 'alarm',
          status: safe`\u2717`,
          time,
          rows: [safe`${reason}: ${text.slice(0, 200).split('\n').join(' ')}`],
        })),
        ...waiting,
        ...(hiddenCount > 0 ? [info(safe`\u2026 and ${hiddenCount} more`)] : []),
      ];
    },
    get pending() {
      return pending.length;
    },
    get oldestPendingMs() {
      return pending[0]?.sinceMs;
    },
  };
};
