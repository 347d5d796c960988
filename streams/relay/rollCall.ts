import type { OperatorFunction } from 'rxjs';
import type { ErrorCode } from '../wire/errors.js';
import { LISTED_MEMBERS } from '../wire/handshake.js';
import type { Lines } from '../wire/lines.js';
import { foldNick } from '../wire/nick.js';
import type { Command, Member } from './commands.js';
import { stepwise } from './stepwise.js';

/** What happened in a room, in order. */
export type Attendance =
  | {
      readonly type: 'joined';
      readonly member: Member;
      /** It was here before, over another connection, and nobody was told that it had gone. */
      readonly returned: boolean;
      /** How many are in the room now, and who; `undefined` where they are too many to list. */
      readonly count: number;
      readonly members: readonly string[] | undefined;
    }
  | { readonly type: 'refused'; readonly member: Member; readonly code: ErrorCode; readonly text: string }
  | { readonly type: 'tokens'; readonly member: Member; readonly lines: Lines }
  | { readonly type: 'pinged' | 'quiet'; readonly member: Member }
  /** Its connection is over. */
  | {
      readonly type: 'left';
      readonly member: Member;
      readonly reason: string;
      readonly fault?: Extract<Command, { type: 'leave' }>['fault'];
    }
  /** It is no longer here, and may be announced as gone. */
  | { readonly type: 'departed'; readonly member: Member };

export interface RollCallOptions {
  /** How long, in ms, a member whose connection broke may take to come back before it counts as gone. */
  readonly grace?: number;
  /** How many may be in the room; who is away keeps its place. */
  readonly roomMembers?: number;
}

/** The grace in ms where nothing else was said. */
export const DEFAULT_GRACE = 5000;

/** Somebody in the room: at present by a connection, or `away` since that broke. */
interface Seat {
  readonly member: Member;
  away: boolean;
}

type Leave = Extract<Command, { type: 'leave' }>;
type Expired = { readonly type: 'expired'; readonly member: Member };

/**
 * Commands of one room in, what came of them out: who is here.
 *
 * A nick is in a room once (nicks that read the same are the same): a second one is `refused`. But a session that joins
 * again is the same member over a new connection: the older one ends first, and from then on nothing more that it said
 * counts. Who says `BYE` has departed at once; whose connection breaks keeps its seat for `grace` ms and departs only
 * if it did not come back, or if another one wants its nick. What a connection says that was refused, or that has left,
 * is dropped without a word, its `leave` too. Completes and errors with its source; who is away then departs no more.
 *
 * ```text
 * command   join a--join a'--leave a---join a, same session--leave a--------------
 *             rollCall({ grace: 5000 })
 * out       joined--refused--left------joined (returned)-----left----5 s--departed
 * ```
 *
 * @example
 * import { map, type Observable } from 'rxjs';
 * import { type Command, rollCall } from 'rxchat/streams';
 *
 * const happenings = (command$: Observable<Command>) => command$.pipe(rollCall(), map(({ type }) => type));
 */
export const rollCall = ({
  grace = DEFAULT_GRACE,
  roomMembers = Infinity,
}: RollCallOptions = {}): OperatorFunction<Command, Attendance> =>
  stepwise<Command, Attendance, Expired>((later) => {
    const seats = new Map<string, Seat>();
    const bySession = new Map<string, Seat>();

    const sit = (member: Member, returned: boolean): Attendance => {
      const seat = { member, away: false };
      seats.set(foldNick(member.nick), seat);
      bySession.set(member.session, seat);
      const members =
        seats.size <= LISTED_MEMBERS ? Array.from(seats.values(), (each) => each.member.nick) : undefined;
      return { type: 'joined', member, returned, count: seats.size, members };
    };

    /** Ends what a seat has left of its member's connection. */
    const unplug = ({ member, away }: Seat): Attendance[] =>
      away ? [] : [{ type: 'left', member, reason: 'came back over another connection' }];

    const clear = ({ member }: Seat): Attendance => {
      seats.delete(foldNick(member.nick));
      bySession.delete(member.session);
      return { type: 'departed', member };
    };

    const join = (member: Member): Attendance[] => {
      const own = bySession.get(member.session);
      const holder = seats.get(foldNick(member.nick));
      if (holder !== undefined && holder !== own && !holder.away)
        return [{ type: 'refused', member, code: 'nick-taken', text: 'the nick is taken in this room' }];
      if (own?.member.nick === member.nick) return [...unplug(own), sit(member, true)];
      if (own === undefined && holder === undefined && seats.size >= roomMembers)
        return [
          { type: 'refused', member, code: 'room-full', text: `the room has its ${roomMembers} members` },
        ];
      return [
        ...(own === undefined ? [] : [...unplug(own), clear(own)]),
        ...(holder === undefined || holder === own ? [] : [clear(holder)]),
        sit(member, false),
      ];
    };

    const leave = (seat: Seat, { reason, fault }: Leave): Attendance[] => {
      const left: Attendance = { type: 'left', member: seat.member, reason, ...(fault && { fault }) };
      if (reason === 'bye') return [left, clear(seat)];
      seat.away = true;
      later({ type: 'expired', member: seat.member }, grace);
      return [left];
    };

    const answer = (command: Command | Expired): Attendance[] => {
      const { member, type } = command;
      if (type === 'join') return join(member);
      const seat = bySession.get(member.session);
      if (seat?.member !== member) return [];
      // It has not come back: that would be another connection.
      if (type === 'expired') return [clear(seat)];
      if (seat.away) return [];
      switch (type) {
        case 'tokens':
          return [command];
        case 'ping':
          return [{ type: 'pinged', member }];
        case 'quiet':
          return [{ type, member }];
        case 'leave':
          return leave(seat, command);
      }
    };

    return answer;
  });
