import type { OperatorFunction } from 'rxjs';
import { stateMachine } from '../../rx/stateMachine.js';
import { constantTimeEqual } from '../../wire/constantTimeEqual.js';
import type { ErrorCode } from '../../wire/errors.js';
import { MAX_LISTED_MEMBERS } from '../../wire/handshake.js';
import type { Lines } from '../../wire/lines.js';
import { foldNick } from '../../wire/nick.js';
import type { Member, MemberCommand } from '../connection/parseCommands.js';

/** An event in a room, in order. */
export type MemberEvent =
  | {
      readonly type: 'joined';
      readonly member: Member;
      /** Its nick was already in the room, by an earlier connection or the same owner: there is nothing to announce. */
      readonly resumed: boolean;
      /** Number of nicks in the room, and the nicks; `undefined` if there are too many to list. */
      readonly count: number;
      readonly members: readonly string[] | undefined;
    }
  | { readonly type: 'refused'; readonly member: Member; readonly code: ErrorCode; readonly text: string }
  | { readonly type: 'tokens'; readonly member: Member; readonly lines: Lines }
  | { readonly type: 'pinged' | 'idle'; readonly member: Member }
  /** The connection of a member has ended. */
  | {
      readonly type: 'disconnected';
      readonly member: Member;
      readonly reason: string;
      readonly error?: Extract<MemberCommand, { type: 'leave' }>['error'];
    }
  /** No member has this nick any more, so its leave is announced. */
  | { readonly type: 'left'; readonly member: Member };

export interface MembersOptions {
  /** Time in ms in which a member whose connection broke can resume before it has left; 5 s. */
  readonly reconnectGraceMs?: number;
  /** Maximum number of members, counted by connections; a disconnected member keeps its slot. */
  readonly maxRoomMembers?: number;
  /** Maximum number of connections of an owner that share a nick; 16. */
  readonly maxConnectionsPerNick?: number;
}

export const DEFAULT_RECONNECT_GRACE_MS = 5000;
export const DEFAULT_MAX_CONNECTIONS_PER_NICK = 16;

/** A nick in the room. */
interface NickSlot {
  /** As its first member spelled it, and as it is announced. */
  readonly nick: string;
  /** The key that a member must have proved to share the nick; without it nobody can. */
  readonly owner: string | undefined;
  /** Never empty. */
  sessions: readonly SessionSlot[];
}

/** A session in the room, connected or away. */
interface SessionSlot {
  readonly slot: NickSlot;
  readonly member: Member;
  isAway: boolean;
}

type Leave = Extract<MemberCommand, { type: 'leave' }>;
type Expired = { readonly type: 'expired'; readonly member: Member };

/**
 * Tracks the members of a room: emits what the commands of the room mean for its membership.
 *
 * A nick is in a room once, compared by `foldNick`. A second member with it is `refused`, unless both have proved the same
 * `owner`. Then they share the nick, which is listed once and has `left` when the last of them leaves.
 *
 * A session that joins again is the same member over a new connection. Its older connection ends first, and nothing more
 * that arrives over that counts. After `BYE` a member has left at once. After a broken connection it keeps its slot for
 * `reconnectGraceMs`, unless another member wants its nick. Commands of a refused or disconnected connection are dropped.
 * Completes and errors with its source; members that are away then do not leave.
 *
 * ```text
 * command   join a--join a'--leave a---------join a, same session--leave a--------------
 *             members({ reconnectGraceMs: 5000 })
 * out       joined--refused--disconnected----joined (resumed)------disconnected-5 s-left
 * ```
 *
 * @example
 * import { map, type Observable } from 'rxjs';
 * import type { MemberCommand } from 'rxchat/streams';
 * import { members } from './members.js';
 *
 * const eventTypes = (command$: Observable<MemberCommand>) => command$.pipe(members(), map(({ type }) => type));
 */
export const members = ({
  reconnectGraceMs = DEFAULT_RECONNECT_GRACE_MS,
  maxRoomMembers = Infinity,
  maxConnectionsPerNick = DEFAULT_MAX_CONNECTIONS_PER_NICK,
}: MembersOptions = {}): OperatorFunction<MemberCommand, MemberEvent> =>
  stateMachine<MemberCommand, MemberEvent, Expired>((schedule) => {
    const slots = new Map<string, NickSlot>();
    const bySession = new Map<string, SessionSlot>();

    const joined = (member: Member, resumed: boolean): MemberEvent => {
      const nicks =
        slots.size <= MAX_LISTED_MEMBERS ? Array.from(slots.values(), ({ nick }) => nick) : undefined;
      return { type: 'joined', member, resumed, count: slots.size, members: nicks };
    };

    const occupy = (member: Member, slot: NickSlot, replaced?: SessionSlot): void => {
      const session: SessionSlot = { slot, member, isAway: false };
      slot.sessions = [...slot.sessions.filter((each) => each !== replaced), session];
      bySession.set(member.session, session);
    };

    const admit = (member: Member): MemberEvent => {
      const slot = { nick: member.nick, owner: member.owner, sessions: [] };
      slots.set(foldNick(member.nick), slot);
      occupy(member, slot);
      return joined(member, false);
    };

    /** Ends the connection of a session, if it has one. */
    const detach = ({ member, isAway }: SessionSlot): MemberEvent[] =>
      isAway ? [] : [{ type: 'disconnected', member, reason: 'came back over another connection' }];

    const remove = ({ slot, member }: SessionSlot): MemberEvent[] => {
      bySession.delete(member.session);
      slot.sessions = slot.sessions.filter((each) => each.member !== member);
      if (slot.sessions.length > 0) return [];
      slots.delete(foldNick(slot.nick));
      const { nick } = slot;
      return [{ type: 'left', member: member.nick === nick ? member : { ...member, nick } }];
    };

    /** The same session joins again with the same nick. */
    const resume = (member: Member, own: SessionSlot): MemberEvent[] => {
      const { slot } = own;
      if (slot.sessions.length === 1 && own.member.nick !== member.nick)
        return [...detach(own), ...remove(own), admit(member)];
      occupy(member, slot, own);
      return [...detach(own), joined(member, true)];
    };

    const refuse = (member: Member, code: ErrorCode, text: string): MemberEvent[] => [
      { type: 'refused', member, code, text },
    ];

    const share = (member: Member, slot: NickSlot, own: SessionSlot | undefined): MemberEvent[] => {
      const isRoomFull = own === undefined && bySession.size >= maxRoomMembers;
      const isFull = isRoomFull || slot.sessions.length >= maxConnectionsPerNick;
      const replaced = isFull ? slot.sessions.find(({ isAway }) => isAway) : undefined;
      if (isFull && replaced === undefined)
        return isRoomFull
          ? refuse(member, 'room-full', `the room is full (${maxRoomMembers} members)`)
          : refuse(member, 'nick-taken', `the nick is at its limit of ${maxConnectionsPerNick} connections`);
      const before = own === undefined ? [] : [...detach(own), ...remove(own)];
      if (replaced !== undefined) bySession.delete(replaced.member.session);
      occupy(member, slot, replaced);
      return [...before, joined(member, true)];
    };

    const join = (member: Member): MemberEvent[] => {
      const own = bySession.get(member.session);
      const holder = slots.get(foldNick(member.nick));
      if (own !== undefined && own.slot === holder) return resume(member, own);
      if (holder !== undefined) {
        if (isSameOwner(holder, member)) return share(member, holder, own);
        if (!holder.sessions.every(({ isAway }) => isAway))
          return refuse(member, 'nick-taken', 'the nick is taken in this room');
      }
      if (own === undefined && holder === undefined && bySession.size >= maxRoomMembers)
        return refuse(member, 'room-full', `the room is full (${maxRoomMembers} members)`);
      return [
        ...(own === undefined ? [] : [...detach(own), ...remove(own)]),
        ...(holder === undefined ? [] : holder.sessions.flatMap(remove)),
        admit(member),
      ];
    };

    const leave = (session: SessionSlot, { reason, error }: Leave): MemberEvent[] => {
      const { member } = session;
      const disconnected: MemberEvent = { type: 'disconnected', member, reason, ...(error && { error }) };
      if (reason === 'bye') return [disconnected, ...remove(session)];
      session.isAway = true;
      schedule({ type: 'expired', member }, reconnectGraceMs);
      return [disconnected];
    };

    return (command) => {
      const { member, type } = command;
      if (type === 'join') return join(member);
      const session = bySession.get(member.session);
      if (session?.member !== member) return [];
      // The member has not resumed: that would have made another one.
      if (type === 'expired') return remove(session);
      if (session.isAway) return [];
      switch (type) {
        case 'tokens':
          return [command];
        case 'ping':
          return [{ type: 'pinged', member }];
        case 'idle':
          return [{ type, member }];
        case 'leave':
          return leave(session, command);
      }
    };
  });

const isSameOwner = (slot: NickSlot, { owner }: Member): boolean =>
  slot.owner !== undefined && owner !== undefined && constantTimeEqual(slot.owner, owner);
