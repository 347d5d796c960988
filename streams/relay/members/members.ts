import type { OperatorFunction } from 'rxjs';
import { stateMachine } from '../../rx/stateMachine.js';
import type { ErrorCode } from '../../wire/errors.js';
import { MAX_LISTED_MEMBERS } from '../../wire/handshake.js';
import type { Lines } from '../../wire/lines.js';
import type { Member, MemberCommand } from '../connection/parseCommands.js';
import { DEFAULT_MAX_CONNECTIONS_PER_NICK, decideExpiry, decideJoin, decideLeave } from './decisions.js';
import { Roster, type RosterChange } from './roster.js';

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
    const roster = new Roster<Member>();
    const limits = { maxRoomMembers, maxConnectionsPerNick };

    const joined = (member: Member, resumed: boolean): MemberEvent => {
      const { count } = roster;
      const nicks = count <= MAX_LISTED_MEMBERS ? roster.nicks : undefined;
      return { type: 'joined', member, resumed, count, members: nicks };
    };

    const eventOf = (change: RosterChange<Member>): MemberEvent | undefined => {
      const { type, member } = change;
      switch (type) {
        case 'joined':
          return joined(member, change.resumed);
        case 'left': {
          const { nick } = change;
          return { type, member: member.nick === nick ? member : { ...member, nick } };
        }
        case 'refused':
        case 'disconnected':
          return change;
        case 'away':
        case 'removed':
          return undefined;
      }
    };

    const perform = (changes: readonly RosterChange<Member>[]): MemberEvent[] => {
      const events: MemberEvent[] = [];
      for (const change of changes) {
        roster.apply(change);
        if (change.type === 'away') schedule({ type: 'expired', member: change.member }, reconnectGraceMs);
        const event = eventOf(change);
        if (event !== undefined) events.push(event);
      }
      return events;
    };

    return (command) => {
      const { member, type } = command;
      switch (type) {
        case 'tokens':
          return roster.isConnected(member) ? [command] : [];
        case 'ping':
          return roster.isConnected(member) ? [{ type: 'pinged', member }] : [];
        case 'idle':
          return roster.isConnected(member) ? [{ type, member }] : [];
        case 'join':
          return perform(decideJoin(roster, member, limits));
        case 'leave':
          return perform(decideLeave(roster, member, command.reason, command.error));
        case 'expired':
          return perform(decideExpiry(roster, member));
      }
    };
  });
