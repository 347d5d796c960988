import type { Heard } from '../../../streams/index.js';
import { shown, type Visible } from '../../terminal/visible.js';
import { UNNOTICED } from '../offline.js';
import { spanText } from './clock.js';
import { counted } from '../../terminal/counted.js';
import { info, type Line } from './line.js';

/** What waits for its receipt for so many ms is lag. */
const LAG = 5000;

/** Whoever is lost again so soon, in ms, is told of once it has lasted for a while. */
const FLAPPING = 60_000;
const STABLE = 10_000;

/** From so many ms on a person counts as away, and what came meanwhile gets a mark. */
const AWAY = 60_000;

/** What the connection is, as a person sees it. */
export interface LinkView {
  /** Takes what was heard; gives what to say of it, and whether what comes next was missed so far. */
  readonly hear: (
    heard: Heard,
    now: number,
  ) => { readonly lines: readonly Line[]; readonly missed?: boolean };
  /** What is to be said by now. */
  readonly due: (now: number) => readonly Line[];
  /** What stands in the prompt: `offline 14 s, retry in 3 s`; `undefined` where all is well. */
  readonly state: (now: number, oldestPending: number | undefined) => Visible | undefined;
  /** Whether something changes by the mere passing of time. */
  readonly isWaiting: boolean;
  readonly isOnline: boolean;
}

/** The connection's story: how long it is away, when it is tried again, what came of it when it was back. */
export const linkView = (): LinkView => {
  let phase: 'connecting' | 'online' | 'offline' | 'catching-up' = 'connecting';
  let since = 0;
  let onlineAt = 0;
  let retryAt = 0;
  let reason = '';
  let told = false;
  /** Up to where there was something to read when the connection was back, and how many messages of it came so far. */
  let end = 0;
  let reached = 0;
  let caughtUp = 0;
  /** When the newest `back` was said, and what came since that was not. */
  let saidAt = -Infinity;
  let held: { times: number; away: number; messages: number; readonly due: number } | undefined;

  const back = (now: number): readonly Line[] => {
    phase = 'online';
    onlineAt = now;
    const away = now - since;
    const noticed = told;
    told = false;
    if (away < UNNOTICED && !noticed && held === undefined) return [];
    if (now - saidAt < FLAPPING) {
      held = {
        times: (held?.times ?? 0) + 1,
        away: (held?.away ?? 0) + away,
        messages: (held?.messages ?? 0) + caughtUp,
        due: now + STABLE,
      };
      return [];
    }
    saidAt = now;
    return [info(shown`back after ${spanText(away)}${caughtUpText(caughtUp)}`)];
  };

  const arrive = (now: number) => (phase === 'catching-up' && reached >= end ? back(now) : []);

  return {
    hear: (heard, now) => {
      switch (heard.type) {
        case 'offline':
          if (phase !== 'offline' && phase !== 'catching-up') since = now;
          phase = 'offline';
          reason = heard.reason;
          retryAt = now + heard.retryMs;
          return { lines: [] };
        case 'welcome': {
          const wasIn = phase === 'offline';
          phase = wasIn ? 'catching-up' : 'online';
          if (!wasIn) {
            onlineAt = now;
            return { lines: [] };
          }
          caughtUp = 0;
          reached = heard.from - 1;
          end = heard.next - 1;
          return { lines: arrive(now), missed: now - since >= AWAY };
        }
        default:
          if (phase !== 'catching-up') return { lines: [] };
          if (heard.type === 'message' && !heard.own) caughtUp += 1;
          if (heard.type === 'gap') reached = heard.to;
          else if ('position' in heard) reached = Math.max(reached, heard.position ?? 0);
          return { lines: [] };
      }
    },
    due: (now) => {
      const lines = [...arrive(now)];
      if (phase === 'offline' && !told && now - since >= UNNOTICED) {
        told = true;
        if (now - saidAt >= FLAPPING) lines.push(info(shown`offline: ${reason}; trying again`));
      }
      if (held !== undefined && phase === 'online' && now >= held.due) {
        const { times, away, messages } = held;
        held = undefined;
        saidAt = now;
        const words = times === 1 ? spanText(away) : `${times} interruptions of ${spanText(away)} in all`;
        lines.push(info(shown`back after ${words}${caughtUpText(messages)}`));
      }
      return lines;
    },
    state: (now, oldestPending) => {
      switch (phase) {
        case 'connecting':
          return shown`connecting`;
        case 'offline': {
          const left = retryAt - now;
          const next = left > 0 ? `retry in ${spanText(Math.max(left, 1000))}` : 'trying';
          return shown`offline ${spanText(now - since)}, ${next}`;
        }
        default: {
          const lag = oldestPending === undefined ? 0 : now - Math.max(oldestPending, onlineAt);
          return lag < LAG ? undefined : shown`lag ${spanText(lag)}`;
        }
      }
    },
    get isWaiting() {
      return phase === 'offline' || phase === 'catching-up' || held !== undefined;
    },
    get isOnline() {
      return phase === 'online' || phase === 'catching-up';
    },
  };
};

const caughtUpText = (count: number): string =>
  count === 0 ? '' : `, ${counted(count, 'message')} caught up`;
