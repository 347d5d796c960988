import type { ClientEvent } from '../../../../../streams/index.js';
import { safe, type SafeText } from '../../../../text/sanitize.js';
import { SHORT_OUTAGE_MS } from '../../../shared/connectionNotices.js';
import { formatDuration, pluralize } from '../../../../text/format.js';
import { info, type Line } from './line.js';

/** A message without a receipt for this long, in ms, counts as delayed. */
const LAG_MS = 5000;

/** Outages closer together than this, in ms, are reported once the connection is stable. */
const FLAPPING_MS = 60_000;
const STABLE_MS = 10_000;

/** After this long offline, in ms, the messages missed meanwhile get a mark. */
const AWAY_MS = 60_000;

/** The state of the connection, as the user sees it. */
interface ConnectionStatus {
  /** Handles an event; returns lines to show, and whether the next messages were missed. */
  readonly update: (
    event: ClientEvent,
    now: number,
  ) => { readonly lines: readonly Line[]; readonly missed?: boolean };
  /** Returns the lines that have become due. */
  readonly takeDue: (now: number) => readonly Line[];
  /**
   * Returns the text in the prompt, or `undefined` if there is nothing to report.
   * For example `offline 14 s, retry in 3 s`.
   */
  readonly promptText: (now: number, oldestPending: number | undefined) => SafeText | undefined;
  /** Whether the text may change without an event. */
  readonly isPending: boolean;
  readonly isOnline: boolean;
}

/** Tracks the connection: how long it is offline, the next retry, and the messages missed. */
export const connectionStatus = (): ConnectionStatus => {
  let phase: 'connecting' | 'online' | 'offline' | 'catching-up' = 'connecting';
  let since = 0;
  let onlineAt = 0;
  let retryAt = 0;
  let reason = '';
  let isReported = false;
  /** While catching up: the last position, the position reached and the messages so far. */
  let end = 0;
  let reached = 0;
  let caughtUpCount = 0;
  /** When the last `back after` line was shown, and the interruptions since. */
  let reportedAt = -Infinity;
  let interruptions: { times: number; away: number; messages: number; readonly due: number } | undefined;

  const onCaughtUp = (now: number): readonly Line[] => {
    phase = 'online';
    onlineAt = now;
    const awayMs = now - since;
    const wasReported = isReported;
    isReported = false;
    if (awayMs < SHORT_OUTAGE_MS && !wasReported && interruptions === undefined) return [];
    if (now - reportedAt < FLAPPING_MS) {
      interruptions = {
        times: (interruptions?.times ?? 0) + 1,
        away: (interruptions?.away ?? 0) + awayMs,
        messages: (interruptions?.messages ?? 0) + caughtUpCount,
        due: now + STABLE_MS,
      };
      return [];
    }
    reportedAt = now;
    return [info(safe`back after ${formatDuration(awayMs)}${caughtUpText(caughtUpCount)}`)];
  };

  const checkCaughtUp = (now: number) => (phase === 'catching-up' && reached >= end ? onCaughtUp(now) : []);

  return {
    update: (event, now) => {
      switch (event.type) {
        case 'offline':
          if (phase !== 'offline' && phase !== 'catching-up') since = now;
          phase = 'offline';
          reason = event.reason;
          retryAt = now + event.retryMs;
          return { lines: [] };
        case 'welcome': {
          const wasOffline = phase === 'offline';
          phase = wasOffline ? 'catching-up' : 'online';
          if (!wasOffline) {
            onlineAt = now;
            return { lines: [] };
          }
          caughtUpCount = 0;
          reached = event.from - 1;
          end = event.next - 1;
          return { lines: checkCaughtUp(now), missed: now - since >= AWAY_MS };
        }
        default:
          if (phase !== 'catching-up') return { lines: [] };
          if (event.type === 'message' && !event.own) caughtUpCount += 1;
          if (event.type === 'gap') reached = event.to;
          else if ('position' in event) reached = Math.max(reached, event.position ?? 0);
          return { lines: [] };
      }
    },
    takeDue: (now) => {
      const lines = [...checkCaughtUp(now)];
      if (phase === 'offline' && !isReported && now - since >= SHORT_OUTAGE_MS) {
        isReported = true;
        if (now - reportedAt >= FLAPPING_MS) lines.push(info(safe`offline: ${reason}; reconnecting`));
      }
      if (interruptions !== undefined && phase === 'online' && now >= interruptions.due) {
        const { times, away: awayMs, messages } = interruptions;
        interruptions = undefined;
        reportedAt = now;
        const durationText =
          times === 1 ? formatDuration(awayMs) : `${times} interruptions of ${formatDuration(awayMs)} in all`;
        lines.push(info(safe`back after ${durationText}${caughtUpText(messages)}`));
      }
      return lines;
    },
    promptText: (now, oldestPending) => {
      switch (phase) {
        case 'connecting':
          return safe`connecting`;
        case 'offline': {
          const remainingMs = retryAt - now;
          const retryText =
            remainingMs > 0 ? `retry in ${formatDuration(Math.max(remainingMs, 1000))}` : 'trying';
          return safe`offline ${formatDuration(now - since)}, ${retryText}`;
        }
        default: {
          const lagMs = oldestPending === undefined ? 0 : now - Math.max(oldestPending, onlineAt);
          return lagMs < LAG_MS ? undefined : safe`lag ${formatDuration(lagMs)}`;
        }
      }
    },
    get isPending() {
      return phase === 'offline' || phase === 'catching-up' || interruptions !== undefined;
    },
    get isOnline() {
      return phase === 'online' || phase === 'catching-up';
    },
  };
};

const caughtUpText = (count: number): string =>
  count === 0 ? '' : `, ${pluralize(count, 'message')} caught up`;
