import { lruMap } from '../../../../../streams/rx/lruMap.js';
import { sanitizeNicks, safe } from '../../../../text/sanitize.js';
import { presenceLine } from './eventLine.js';
import { info, type Line } from './line.js';

/** Time in ms that a join or leave waits, to share a line with others. */
const COALESCE_MS = 1000;

/** A nick reported this often within the window waits for the longer delay (both in ms). */
const FLAPPING_COUNT = 3;
const FLAPPING_WINDOW_MS = 60_000;
const FLAPPING_DELAY_MS = 30_000;

/** Maximum number of tracked nicks; changes of other nicks are always reported. */
const MAX_TRACKED_NICKS = 2000;

/** Collects joins and leaves into few lines. */
interface PresenceSummary {
  /** Adds a join or leave. */
  readonly add: (type: 'joined' | 'left', nick: string, now: number) => void;
  /** Returns the lines that have become due. */
  readonly takeDue: (now: number) => readonly Line[];
  /**
   * Returns the lines of all waiting changes, except those of flapping nicks.
   * They come before the next line of the conversation.
   */
  readonly flush: (now: number) => readonly Line[];
  readonly isPending: boolean;
}

interface PendingChange {
  readonly first: 'joined' | 'left';
  last: 'joined' | 'left';
  joinCount: number;
  readonly dueAt: number;
  readonly isFlapping: boolean;
}

/**
 * Collects joins and leaves into few lines, such as `--> bob, carol joined`.
 * A nick that leaves and rejoins within the wait gives `bob reconnected`. A flapping nick is reported less often: `bob
 * reconnected (4x)`.
 */
export const presenceSummary = (isGroup = false): PresenceSummary => {
  const pending = new Map<string, PendingChange>();
  /** The times of the latest reports of each nick, newest last. */
  const reportedAt = lruMap<string, readonly number[]>(MAX_TRACKED_NICKS);

  const visitText = isGroup ? 'came online and went offline' : 'came and left';

  const report = (nicks: readonly string[], now: number): readonly Line[] => {
    const joined: string[] = [];
    const left: string[] = [];
    const others: Line[] = [];
    for (const nick of nicks) {
      const change = pending.get(nick);
      if (change === undefined) continue;
      pending.delete(nick);
      const { first, last, joinCount: times } = change;
      if (first === last && times <= 1) (last === 'joined' ? joined : left).push(nick);
      else if (last === 'joined')
        others.push(info(safe`${sanitizeNicks([nick])} reconnected${times > 1 ? ` (${times}x)` : ''}`));
      else others.push(info(safe`${sanitizeNicks([nick])} ${visitText}${times > 1 ? ` (${times}x)` : ''}`));
      reportedAt.set(nick, [...(reportedAt.get(nick) ?? []), now].slice(-FLAPPING_COUNT));
    }
    return [
      ...(left.length > 0 ? [presenceLine('left', left, left.length, isGroup)] : []),
      ...(joined.length > 0 ? [presenceLine('joined', joined, joined.length, isGroup)] : []),
      ...others,
    ];
  };

  const wasFlapping = (nick: string, now: number) => {
    const times = reportedAt.get(nick) ?? [];
    return times.length >= FLAPPING_COUNT && now - (times[0] ?? 0) < FLAPPING_WINDOW_MS;
  };

  return {
    add: (type, nick, now) => {
      const change = pending.get(nick);
      if (change !== undefined) {
        change.last = type;
        if (type === 'joined') change.joinCount += 1;
        return;
      }
      const isFlapping = wasFlapping(nick, now);
      const due = now + (isFlapping ? FLAPPING_DELAY_MS : COALESCE_MS);
      pending.set(nick, {
        first: type,
        last: type,
        joinCount: type === 'joined' ? 1 : 0,
        dueAt: due,
        isFlapping,
      });
    },
    takeDue: (now) => {
      const due = [...pending].filter(([, change]) => change.dueAt <= now);
      // When a regular change is due, the other waiting ones share its line.
      if (!due.some(([, { isFlapping }]) => !isFlapping))
        return report(
          due.map(([nick]) => nick),
          now,
        );
      return report(
        [...pending].filter(([, change]) => change.dueAt <= now || !change.isFlapping).map(([nick]) => nick),
        now,
      );
    },
    flush: (now) =>
      report(
        [...pending].filter(([, { isFlapping }]) => !isFlapping).map(([nick]) => nick),
        now,
      ),
    get isPending() {
      return pending.size > 0;
    },
  };
};
