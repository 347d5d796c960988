import { visibleNicks, shown } from '../../terminal/visible.js';
import { presenceLine } from './format.js';
import { info, type Line } from './line.js';

/** How long, in ms, a coming or going waits for others, to stand in one line with them. */
const TOGETHER = 1000;

/** Whoever comes or goes so often within so many ms is told of only once in so many. */
const RESTLESS = 3;
const RESTLESS_WINDOW = 60_000;
const RESTLESS_WAIT = 30_000;

/** How many nicks are looked after; of the others everything is told. */
const KEPT = 2000;

/** Who comes and goes, gathered. */
export interface Comings {
  /** Takes note of somebody who came or went. */
  readonly take: (type: 'joined' | 'left', nick: string, now: number) => void;
  /** What is due to be told. */
  readonly due: (now: number) => readonly Line[];
  /** What waits for others, but for the restless: it stands before what is told next. */
  readonly flush: (now: number) => readonly Line[];
  readonly isWaiting: boolean;
}

interface Waiting {
  readonly first: 'joined' | 'left';
  last: 'joined' | 'left';
  comings: number;
  readonly due: number;
  readonly restless: boolean;
}

/**
 * Gathers who comes and goes: `--> bob, carol joined`. Who goes and comes back within the wait is `bob reconnected`, and
 * whoever does so again and again is told of once in a while: `bob reconnected (4x)`.
 */
export const comings = (): Comings => {
  const waiting = new Map<string, Waiting>();
  /** When they were told of, the newest last. */
  const told = new Map<string, readonly number[]>();

  const tell = (nicks: readonly string[], now: number): readonly Line[] => {
    const joined: string[] = [];
    const left: string[] = [];
    const others: Line[] = [];
    for (const nick of nicks) {
      const each = waiting.get(nick);
      if (each === undefined) continue;
      waiting.delete(nick);
      const { first, last, comings: times } = each;
      if (first === last && times <= 1) (last === 'joined' ? joined : left).push(nick);
      else if (last === 'joined')
        others.push(info(shown`${visibleNicks([nick])} reconnected${times > 1 ? ` (${times}x)` : ''}`));
      else others.push(info(shown`${visibleNicks([nick])} came and left${times > 1 ? ` (${times}x)` : ''}`));
      const lately = [...(told.get(nick) ?? []), now].slice(-RESTLESS);
      told.delete(nick);
      told.set(nick, lately);
      for (const oldest of told.keys()) {
        if (told.size <= KEPT) break;
        told.delete(oldest);
      }
    }
    return [
      ...(left.length > 0 ? [presenceLine('left', left)] : []),
      ...(joined.length > 0 ? [presenceLine('joined', joined)] : []),
      ...others,
    ];
  };

  const isRestless = (nick: string, now: number) => {
    const times = told.get(nick) ?? [];
    return times.length >= RESTLESS && now - (times[0] ?? 0) < RESTLESS_WINDOW;
  };

  return {
    take: (type, nick, now) => {
      const each = waiting.get(nick);
      if (each !== undefined) {
        each.last = type;
        if (type === 'joined') each.comings += 1;
        return;
      }
      const restless = isRestless(nick, now);
      const due = now + (restless ? RESTLESS_WAIT : TOGETHER);
      waiting.set(nick, { first: type, last: type, comings: type === 'joined' ? 1 : 0, due, restless });
    },
    due: (now) => {
      const due = [...waiting].filter(([, each]) => each.due <= now);
      // Who is not told of yet comes along: they are of the same crowd.
      if (!due.some(([, { restless }]) => !restless))
        return tell(
          due.map(([nick]) => nick),
          now,
        );
      return tell(
        [...waiting].filter(([, each]) => each.due <= now || !each.restless).map(([nick]) => nick),
        now,
      );
    },
    flush: (now) =>
      tell(
        [...waiting].filter(([, { restless }]) => !restless).map(([nick]) => nick),
        now,
      ),
    get isWaiting() {
      return waiting.size > 0;
    },
  };
};
