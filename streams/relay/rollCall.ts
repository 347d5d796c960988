import type { OperatorFunction } from 'rxjs';
import type { ErrorCode } from '../wire/errors.js';
import { LISTED_MEMBERS } from '../wire/handshake.js';
import type { Lines } from '../wire/lines.js';
import { isSameText } from '../wire/isSameText.js';
import { foldNick } from '../wire/nick.js';
import type { Command, Member } from './commands.js';
import { stepwise } from './stepwise.js';

/** What happened in a room, in order. */
export type Attendance =
  | {
      readonly type: 'joined';
      readonly member: Member;
      /** Its nick was in the room already, by an earlier connection or another one of the same owner: nothing to announce. */
      readonly returned: boolean;
      /** How many nicks are in the room now, and which; `undefined` if they are too many to list. */
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
  /** Nobody goes by its nick any more, and that may be announced. */
  | { readonly type: 'departed'; readonly member: Member };

export interface RollCallOptions {
  /** How long, in ms, a member whose connection broke may take to come back before it counts as gone. */
  readonly grace?: number;
  /** How many members may be in the room, by connections; one that is away keeps its place. */
  readonly roomMembers?: number;
  /** How many connections of one owner may share a nick. */
  readonly connectionsPerNick?: number;
}

/** The grace in ms where nothing else was said. */
export const DEFAULT_GRACE = 5000;

/** Connections that may share a nick, unless a relay says otherwise. */
export const DEFAULT_CONNECTIONS_PER_NICK = 16;

/** A nick in the room. */
interface Seat {
  /** As its first member spelled it, and as it is announced. */
  readonly nick: string;
  /** The key that a member must have shown to share the nick; without it nobody can. */
  readonly owner: string | undefined;
  /** Never empty. */
  places: readonly Place[];
}

/** A session in the room: at present by a connection, or `away` since that broke. */
interface Place {
  readonly seat: Seat;
  readonly member: Member;
  away: boolean;
}

type Leave = Extract<Command, { type: 'leave' }>;
type Expired = { readonly type: 'expired'; readonly member: Member };

/**
 * Takes the commands of one room and emits what came of them: who is here.
 *
 * A nick is in a room once (nicks that read the same are the same): a second member is `refused`, unless both have shown
 * the same `owner`. Then they share the nick. It is listed once, and departs when the last of them goes.
 *
 * A session that joins again is the same member over a new connection: the older one ends first, and from then on
 * nothing more that it said counts. After `BYE` a member departs at once. After a broken connection it keeps its place
 * for `grace` ms, and departs only if it did not come back, or if somebody else wants its nick. What a connection says
 * that was refused, or that has left, is dropped, its `leave` too. Completes and errors with its source; members that
 * are away then depart no more.
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
  connectionsPerNick = DEFAULT_CONNECTIONS_PER_NICK,
}: RollCallOptions = {}): OperatorFunction<Command, Attendance> =>
  stepwise<Command, Attendance, Expired>((later) => {
    const seats = new Map<string, Seat>();
    const bySession = new Map<string, Place>();

    const joined = (member: Member, returned: boolean): Attendance => {
      const members =
        seats.size <= LISTED_MEMBERS ? Array.from(seats.values(), (each) => each.nick) : undefined;
      return { type: 'joined', member, returned, count: seats.size, members };
    };

    const place = (member: Member, seat: Seat, instead?: Place): void => {
      const taken: Place = { seat, member, away: false };
      seat.places = [...seat.places.filter((each) => each !== instead), taken];
      bySession.set(member.session, taken);
    };

    const sit = (member: Member): Attendance => {
      const seat = { nick: member.nick, owner: member.owner, places: [] };
      seats.set(foldNick(member.nick), seat);
      place(member, seat);
      return joined(member, false);
    };

    /** Ends what a place has left of its member's connection. */
    const unplug = ({ member, away }: Place): Attendance[] =>
      away ? [] : [{ type: 'left', member, reason: 'came back over another connection' }];

    const vacate = ({ seat, member }: Place): Attendance[] => {
      bySession.delete(member.session);
      seat.places = seat.places.filter((each) => each.member !== member);
      if (seat.places.length > 0) return [];
      seats.delete(foldNick(seat.nick));
      const { nick } = seat;
      return [{ type: 'departed', member: member.nick === nick ? member : { ...member, nick } }];
    };

    /** The same session again. */
    const comeBack = (member: Member, own: Place): Attendance[] => {
      const { seat } = own;
      if (seat.places.length === 1 && own.member.nick !== member.nick)
        return [...unplug(own), ...vacate(own), sit(member)];
      place(member, seat, own);
      return [...unplug(own), joined(member, true)];
    };

    const refuse = (member: Member, code: ErrorCode, text: string): Attendance[] => [
      { type: 'refused', member, code, text },
    ];

    const share = (member: Member, seat: Seat, own: Place | undefined): Attendance[] => {
      const isFull = own === undefined && bySession.size >= roomMembers;
      const isOver = isFull || seat.places.length >= connectionsPerNick;
      const away = isOver ? seat.places.find((each) => each.away) : undefined;
      if (isOver && away === undefined)
        return isFull
          ? refuse(member, 'room-full', `the room has its ${roomMembers} members`)
          : refuse(member, 'nick-taken', `the nick has its ${connectionsPerNick} connections`);
      const before = own === undefined ? [] : [...unplug(own), ...vacate(own)];
      if (away !== undefined) bySession.delete(away.member.session);
      place(member, seat, away);
      return [...before, joined(member, true)];
    };

    const join = (member: Member): Attendance[] => {
      const own = bySession.get(member.session);
      const holder = seats.get(foldNick(member.nick));
      if (own !== undefined && own.seat === holder) return comeBack(member, own);
      if (holder !== undefined) {
        if (isSameOwner(holder, member)) return share(member, holder, own);
        if (!holder.places.every((each) => each.away))
          return refuse(member, 'nick-taken', 'the nick is taken in this room');
      }
      if (own === undefined && holder === undefined && bySession.size >= roomMembers)
        return refuse(member, 'room-full', `the room has its ${roomMembers} members`);
      return [
        ...(own === undefined ? [] : [...unplug(own), ...vacate(own)]),
        ...(holder === undefined ? [] : holder.places.flatMap(vacate)),
        sit(member),
      ];
    };

    const leave = (from: Place, { reason, fault }: Leave): Attendance[] => {
      const left: Attendance = { type: 'left', member: from.member, reason, ...(fault && { fault }) };
      if (reason === 'bye') return [left, ...vacate(from)];
      from.away = true;
      later({ type: 'expired', member: from.member }, grace);
      return [left];
    };

    const answer = (command: Command | Expired): Attendance[] => {
      const { member, type } = command;
      if (type === 'join') return join(member);
      const from = bySession.get(member.session);
      if (from?.member !== member) return [];
      // It has not come back: that would be another connection.
      if (type === 'expired') return vacate(from);
      if (from.away) return [];
      switch (type) {
        case 'tokens':
          return [command];
        case 'ping':
          return [{ type: 'pinged', member }];
        case 'quiet':
          return [{ type, member }];
        case 'leave':
          return leave(from, command);
      }
    };

    return answer;
  });

const isSameOwner = (seat: Seat, { owner }: Member): boolean =>
  seat.owner !== undefined && owner !== undefined && isSameText(seat.owner, owner);
