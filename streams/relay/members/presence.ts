import type { OperatorFunction } from 'rxjs';
import { stateMachine } from '../../rx/stateMachine.js';
import type { Announcement } from '../../wire/entry.js';
import type { Member } from '../connection/parseCommands.js';
import { Announcements } from './announcements.js';
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
    const announcements = new Announcements();
    let nickCount = 0;

    const flush = (): Announced[] =>
      announcements.flush(nickCount).map((announcement) => ({ type: 'announced', announcement }));

    /** Starts an interval, unless one has started, with an announcement after the other events of the same command. */
    const coalesce = (event: E): E[] => {
      if (announcements.beginInterval()) {
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
          if (!announcements.endInterval()) return [];
          schedule(COALESCED, coalesceMs);
          return flush();
        case 'joined':
          nickCount = event.count;
          if (event.resumed) return [event];
          announcements.addJoin(event.member.nick);
          return coalesce(event);
        case 'left':
          nickCount -= 1;
          announcements.addLeave(event.member.nick);
          return coalesce(event);
        case 'tokens':
          return announcements.hasPendingJoin(event.member.nick) ? [...flush(), event] : [event];
        default:
          return [event];
      }
    };
  }, FLUSH);
