import type { OperatorFunction } from 'rxjs';
import { stateMachine } from '../../rx/stateMachine.js';
import type { Announcement } from '../../wire/entry.js';
import { MAX_LISTED_MEMBERS } from '../../wire/handshake.js';
import { foldNick } from '../../wire/nick.js';
import type { Member } from '../connection/parseCommands.js';
import type { MemberEvent } from './members.js';

/** An announcement to be appended to the log of the room. */
export interface Announced {
  readonly type: 'announced';
  readonly announcement: Announcement;
}

/** The events that `presence` handles: joins, messages and leaves. `count` is the number of members. */
export type PresenceInput =
  | {
      readonly type: 'joined';
      readonly member: Pick<Member, 'nick'>;
      readonly resumed: boolean;
      readonly count: number;
    }
  | { readonly type: 'tokens' | 'left'; readonly member: Pick<Member, 'nick'> };

/** The events that `presence` passes through. */
export interface PassThrough {
  readonly type: 'refused' | 'pinged' | 'idle' | 'disconnected';
}

export interface PresenceOptions {
  /** Time in ms in which joins and leaves are coalesced after an announcement; 1 s. */
  readonly coalesceMs?: number;
}

/** Maximum number of nicks in a line: a third of the shortest reasonable line limit, even with the longest nicks. */
const MAX_NICKS_PER_LINE = 100;

const FLUSH = { type: 'flush' } as const;
const COALESCED = { type: 'coalesced' } as const;

/**
 * Adds announcements to the events of `members`, or to similar events of your own.
 *
 * The first join or leave is announced at once. Those of the next `coalesceMs` are announced together, so that a storm of
 * joins costs a line per second and not a line per join. A member is always announced before its first message. A member that
 * joins and leaves within the same interval is not announced. Above 1000 members, announcements have only numbers. Completes
 * with its source, after the pending announcements; errors with its source.
 *
 * ```text
 * in    joined a--joined b--joined c-------------
 *         presence({ coalesceMs: 1000 })
 * out   joined a, +a--joined b--joined c-----(+b,c)
 * ```
 *
 * @example
 * import type { Observable } from 'rxjs';
 * import type { MemberCommand } from 'rxchat/streams';
 * import { members } from './members.js';
 * import { presence } from './presence.js';
 *
 * const announced = (command$: Observable<MemberCommand>) =>
 *   command$.pipe(members(), presence({ coalesceMs: 500 }));
 */
export const presence = <E extends PresenceInput | PassThrough = MemberEvent>({
  coalesceMs = 1000,
}: PresenceOptions = {}): OperatorFunction<E, E | Announced> =>
  stateMachine<E, E | Announced, typeof FLUSH | typeof COALESCED>((schedule) => {
    /** Nicks whose join is not announced yet, by their folded form: members that share a nick can spell it differently. */
    const pendingJoins = new Map<string, string>();
    const pendingLeaves: string[] = [];
    let size = 0;
    let isCoalescing = false;
    /** More joins or leaves have arrived since the current interval began. */
    let hasMore = false;

    const flush = (): Announced[] => {
      const announced = [
        ...announce('left', pendingLeaves),
        ...announce('joined', [...pendingJoins.values()]),
      ];
      pendingLeaves.length = 0;
      pendingJoins.clear();
      return announced;
    };

    const announce = (type: Announcement['type'], nicks: readonly string[]): Announced[] => {
      if (nicks.length === 0) return [];
      if (size > MAX_LISTED_MEMBERS)
        return [{ type: 'announced', announcement: { type, nicks: [], count: nicks.length } }];
      const head = nicks.slice(0, MAX_NICKS_PER_LINE);
      return [
        { type: 'announced', announcement: { type, nicks: head, count: head.length } },
        ...announce(type, nicks.slice(MAX_NICKS_PER_LINE)),
      ];
    };

    /** Starts an interval with an announcement after the other events of the same command, or marks the current one. */
    const coalesce = (event: E): E[] => {
      hasMore = isCoalescing;
      if (!isCoalescing) {
        isCoalescing = true;
        schedule(FLUSH);
        schedule(COALESCED, coalesceMs);
      }
      return [event];
    };

    return (event) => {
      switch (event.type) {
        case 'flush':
          return flush();
        case 'coalesced':
          isCoalescing = hasMore;
          hasMore = false;
          if (!isCoalescing) return [];
          schedule(COALESCED, coalesceMs);
          return flush();
        case 'joined':
          size = event.count;
          if (event.resumed) return [event];
          pendingJoins.set(foldNick(event.member.nick), event.member.nick);
          return coalesce(event);
        case 'left':
          size -= 1;
          if (!pendingJoins.delete(foldNick(event.member.nick))) pendingLeaves.push(event.member.nick);
          return coalesce(event);
        case 'tokens':
          return pendingJoins.size > 0 && pendingJoins.has(foldNick(event.member.nick))
            ? [...flush(), event]
            : [event];
        default:
          return [event];
      }
    };
  }, FLUSH);
