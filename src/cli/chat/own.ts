import type { Act, Heard } from '../../../streams/index.js';
import { shown, type Visible } from '../../terminal/visible.js';
import { speech } from './format.js';
import { info, type Line } from './line.js';

/** How many lines of one's own stand under the conversation at once; the rest is a number. */
export const FOOT_LIMIT = 5;

/** How many lines that failed are kept; older ones are gone. */
const FAILED_LIMIT = 20;

/** What one said and that is not in the room's order: it waits for its receipt, or was never taken. */
export interface OwnLines {
  /** With the time of day, and that of a clock that only goes forward. */
  readonly hear: (heard: Heard, now: number, elapsed: number) => void;
  /** Something that one entered cannot be said. */
  readonly fail: (text: string, reason: Visible, now: number) => void;
  /** Takes back what failed; how many that was. */
  readonly discard: () => number;
  /** What stands under the conversation. */
  readonly lines: (nick: Visible) => readonly Line[];
  readonly pending: number;
  /** When the oldest of what waits was said, by the clock that only goes forward. */
  readonly oldest: number | undefined;
}

interface Pending {
  readonly token: string;
  readonly text: string;
  readonly act: Act | undefined;
  readonly time: number;
  readonly since: number;
}

interface Failed {
  readonly text: string;
  readonly reason: Visible;
  readonly time: number;
}

/**
 * One's own lines on their way: `◌` waits for its receipt, and goes out again by itself; `✗` cannot be said at all, and
 * says why.
 */
export const ownLines = (): OwnLines => {
  let pending: readonly Pending[] = [];
  let failed: readonly Failed[] = [];

  return {
    hear: (heard, now, elapsed) => {
      if (heard.type === 'said')
        pending = [
          ...pending,
          ...heard.lines.map((text) => ({
            token: heard.token,
            text,
            act: heard.act,
            time: now,
            since: elapsed,
          })),
        ];
      if (heard.type === 'stored') pending = pending.filter(({ token }) => token !== heard.token);
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
      const who = { nick: name, key: undefined };
      const waiting = pending.slice(0, FOOT_LIMIT).map(({ text, act, time }): Line => {
        return { tone: 'pending', lead: shown`\u25cc`, time, ...speech({ ...who, act }, text) };
      });
      const more = pending.length - waiting.length;
      return [
        ...failed.slice(-FOOT_LIMIT).map(({ text, reason, time }): Line => ({
          tone: 'alarm',
          lead: shown`\u2717`,
          time,
          text: [shown`${reason}: ${text.slice(0, 200).split('\n').join(' ')}`],
        })),
        ...waiting,
        ...(more > 0 ? [info(shown`\u2026 and ${more} more`)] : []),
      ];
    },
    get pending() {
      return pending.length;
    },
    get oldest() {
      return pending[0]?.since;
    },
  };
};
