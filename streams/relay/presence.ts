import type { OperatorFunction } from 'rxjs';
import type { Announcement } from '../wire/entry.js';
import { LISTED_MEMBERS } from '../wire/handshake.js';
import { foldNick } from '../wire/nick.js';
import type { Member } from './commands.js';
import type { Attendance } from './rollCall.js';
import { stepwise } from './stepwise.js';

/** An announcement to be appended to the room's log. */
export interface Announced {
  readonly type: 'announced';
  readonly announcement: Announcement;
}

/** What `presence` looks at: who came, spoke, and went. `count` is how many are here now. */
export type Occurrence =
  | {
      readonly type: 'joined';
      readonly member: Pick<Member, 'nick'>;
      readonly returned: boolean;
      readonly count: number;
    }
  | { readonly type: 'tokens' | 'departed'; readonly member: Pick<Member, 'nick'> };

/** What passes it. */
export interface Aside {
  readonly type: 'refused' | 'pinged' | 'quiet' | 'left';
}

export interface PresenceOptions {
  /** How long to gather joins and leaves after one was announced, in ms. */
  readonly gather?: number;
}

/** Nicks in one line: with the longest nicks still a third of the shortest line limit that makes sense. */
const NICKS_A_LINE = 100;

const FLUSH = { type: 'flush' } as const;
const GATHERED = { type: 'gathered' } as const;

/**
 * Attendance in, the same with announcements in their places out: presence. `Attendance` of `rollCall`, or events of
 * yours that say as much.
 *
 * The first join or leave is announced at once; those of the next `gather` ms are gathered and announced together, so
 * that a storm of joins costs a line a second and not one each. Who speaks was announced before. Who came and departed
 * within one gathering is not mentioned. Above 1000 members only the numbers are announced. Completes with its source,
 * after what was gathered; errors with it.
 *
 * ```text
 * in    joined a--joined b--joined c-------------
 *         presence({ gather: 1000 })
 * out   joined a, +a--joined b--joined c-----(+b,c)
 * ```
 *
 * @example
 * import type { Observable } from 'rxjs';
 * import { type Command, presence, rollCall } from 'rxchat/streams';
 *
 * const announced = (command$: Observable<Command>) => command$.pipe(rollCall(), presence({ gather: 500 }));
 */
export const presence = <E extends Occurrence | Aside = Attendance>({
  gather = 1000,
}: PresenceOptions = {}): OperatorFunction<E, E | Announced> =>
  stepwise<E, E | Announced, typeof FLUSH | typeof GATHERED>((later) => {
    /** Nicks whose coming is not announced yet, by what they fold to: those who share a nick may spell it differently. */
    const came = new Map<string, string>();
    const went: string[] = [];
    let size = 0;
    /** Joins and leaves are gathered at present. */
    let isGathering = false;
    /** There have been some since. */
    let isAwaited = false;

    const flush = (): Announced[] => {
      const announced = [...announce('left', went), ...announce('joined', [...came.values()])];
      went.length = 0;
      came.clear();
      return announced;
    };

    const announce = (type: Announcement['type'], nicks: readonly string[]): Announced[] => {
      if (nicks.length === 0) return [];
      if (size > LISTED_MEMBERS)
        return [{ type: 'announced', announcement: { type, nicks: [], count: nicks.length } }];
      const head = nicks.slice(0, NICKS_A_LINE);
      return [
        { type: 'announced', announcement: { type, nicks: head, count: head.length } },
        ...announce(type, nicks.slice(NICKS_A_LINE)),
      ];
    };

    /** Announces what is the first for a while, after all else that came of the same command; has the rest gathered. */
    const gathering = (event: E): E[] => {
      isAwaited = isGathering;
      if (!isGathering) {
        isGathering = true;
        later(FLUSH);
        later(GATHERED, gather);
      }
      return [event];
    };

    return (event) => {
      switch (event.type) {
        case 'flush':
          return flush();
        case 'gathered':
          isGathering = isAwaited;
          isAwaited = false;
          if (!isGathering) return [];
          later(GATHERED, gather);
          return flush();
        case 'joined':
          size = event.count;
          if (event.returned) return [event];
          came.set(foldNick(event.member.nick), event.member.nick);
          return gathering(event);
        case 'departed':
          size -= 1;
          if (!came.delete(foldNick(event.member.nick))) went.push(event.member.nick);
          return gathering(event);
        case 'tokens':
          return came.size > 0 && came.has(foldNick(event.member.nick)) ? [...flush(), event] : [event];
        default:
          return [event];
      }
    };
  }, FLUSH);
