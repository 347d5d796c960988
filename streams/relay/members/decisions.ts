import { constantTimeEqual } from '../../wire/constantTimeEqual.js';
import type { ErrorCode, ProtocolError } from '../../wire/errors.js';
import { foldNick } from '../../wire/nick.js';
import type { NickSlot, Occupant, Roster, RosterChange, SessionSlot } from './roster.js';

export interface RosterLimits<M extends Occupant = Occupant> {
  /** Maximum number of members, counted by connections; a disconnected member keeps its slot. No limit by default. */
  readonly maxRoomMembers?: number | undefined;
  /** Maximum number of connections of an owner that share a nick; 16. */
  readonly maxConnectionsPerNick?: number | undefined;
  /** Whether a member counts as away although its roster says connected, because its relay is gone. */
  readonly isAway?: ((member: M) => boolean) | undefined;
}

export const DEFAULT_MAX_CONNECTIONS_PER_NICK = 16;

const CAME_BACK = 'came back over another connection';
const RELAY_GONE = 'its relay was silent for too long';

/**
 * Decides what a join means: the member joins, resumes, or is refused.
 *
 * A nick is in a room once, compared by `foldNick`. A second member with it is refused, unless both have proved the same
 * `owner`, or all sessions with that nick are away. A session that joins again ends its older connection first.
 */
export const decideJoin = <M extends Occupant>(
  roster: Roster<M>,
  member: M,
  limits: RosterLimits<M> = {},
): RosterChange<M>[] => {
  const { maxRoomMembers = Infinity } = limits;
  const key = foldNick(member.nick);
  const own = roster.findSession(member.session);
  const holder = roster.findNick(key);
  if (own !== undefined && holder !== undefined && own.key === key) return resume(member, own, holder);
  const sessions = sessionsOf(roster, holder);
  if (holder !== undefined) {
    if (isSameOwner(holder, member)) return share(roster, member, key, limits);
    if (!sessions.every((session) => isAway(session, limits)))
      return refuse(member, 'nick-taken', 'the nick is taken in this room');
  }
  if (own === undefined && holder === undefined && roster.sessionCount >= maxRoomMembers)
    return refuse(member, 'room-full', `the room is full (${maxRoomMembers} members)`);
  return [
    ...endOwn(roster, own),
    ...sessions.flatMap((session, at) => [
      ...disconnect(session, RELAY_GONE),
      at < sessions.length - 1 ? removed(session) : left(session, holder),
    ]),
    { type: 'joined', member, key, resumed: false },
  ];
};

/**
 * Decides what the end of a connection means: after `bye` the member leaves, otherwise it is away.
 *
 * Returns nothing if the member is not connected, so a connection that was replaced can end.
 */
export const decideLeave = <M extends Occupant>(
  roster: Roster<M>,
  member: M,
  reason: string,
  error?: Pick<ProtocolError, 'code' | 'message'>,
): RosterChange<M>[] => {
  const session = roster.findMember(member);
  if (session === undefined || session.isAway) return [];
  return [
    { type: 'disconnected', member, reason, ...(error && { error }) },
    reason === 'bye' ? end(roster, session) : { type: 'away', member },
  ];
};

/** Decides what the end of the grace period means: the member leaves if it is still away. */
export const decideExpiry = <M extends Occupant>(
  roster: Roster<M>,
  member: M,
  limits: Pick<RosterLimits<M>, 'isAway'> = {},
): RosterChange<M>[] => {
  const session = roster.findMember(member);
  if (session === undefined || !isAway(session, limits)) return [];
  return [...disconnect(session, RELAY_GONE), end(roster, session)];
};

/** The same session joins again with the same nick. */
const resume = <M extends Occupant>(member: M, own: SessionSlot<M>, slot: NickSlot): RosterChange<M>[] => {
  const isRenamed = slot.sessions.length === 1 && own.member.nick !== member.nick;
  return [
    ...disconnect(own, CAME_BACK),
    ...(isRenamed ? [left(own, slot)] : []),
    { type: 'joined', member, key: own.key, resumed: !isRenamed },
  ];
};

/** A member joins under a nick that its owner has in the room already. */
const share = <M extends Occupant>(
  roster: Roster<M>,
  member: M,
  key: string,
  limits: RosterLimits<M>,
): RosterChange<M>[] => {
  const { maxRoomMembers = Infinity, maxConnectionsPerNick = DEFAULT_MAX_CONNECTIONS_PER_NICK } = limits;
  const own = roster.findSession(member.session);
  const sessions = sessionsOf(roster, roster.findNick(key));
  const isRoomFull = own === undefined && roster.sessionCount >= maxRoomMembers;
  const isFull = isRoomFull || sessions.length >= maxConnectionsPerNick;
  const replaced = isFull ? sessions.find((session) => isAway(session, limits)) : undefined;
  if (isFull && replaced === undefined)
    return isRoomFull
      ? refuse(member, 'room-full', `the room is full (${maxRoomMembers} members)`)
      : refuse(member, 'nick-taken', `the nick is at its limit of ${maxConnectionsPerNick} connections`);
  return [
    ...endOwn(roster, own),
    { type: 'joined', member, key, resumed: true },
    // Afterwards, because the nick stays even if nobody else has it.
    ...(replaced === undefined ? [] : [...disconnect(replaced, RELAY_GONE), removed(replaced)]),
  ];
};

const refuse = <M extends Occupant>(member: M, code: ErrorCode, text: string): RosterChange<M>[] => [
  { type: 'refused', member, code, text },
];

/** Ends the connection of a session, if it has one. */
const disconnect = <M extends Occupant>(
  { member, isAway }: SessionSlot<M>,
  reason: string,
): RosterChange<M>[] => (isAway ? [] : [{ type: 'disconnected', member, reason }]);

const removed = <M extends Occupant>({ member }: SessionSlot<M>): RosterChange<M> => ({
  type: 'removed',
  member,
});

const left = <M extends Occupant>({ member }: SessionSlot<M>, slot?: NickSlot): RosterChange<M> => ({
  type: 'left',
  member,
  nick: slot?.nick ?? member.nick,
});

const end = <M extends Occupant>(roster: Roster<M>, session: SessionSlot<M>): RosterChange<M> => {
  const slot = roster.findNick(session.key);
  return slot !== undefined && slot.sessions.length > 1 ? removed(session) : left(session, slot);
};

/** Ends the session of a member that joins under another nick. */
const endOwn = <M extends Occupant>(roster: Roster<M>, own: SessionSlot<M> | undefined): RosterChange<M>[] =>
  own === undefined ? [] : [...disconnect(own, CAME_BACK), end(roster, own)];

const sessionsOf = <M extends Occupant>(
  roster: Roster<M>,
  slot: NickSlot | undefined,
): readonly SessionSlot<M>[] =>
  slot === undefined
    ? []
    : slot.sessions.map((id) => roster.findSession(id)).filter((session) => session !== undefined);

const isAway = <M extends Occupant>(session: SessionSlot<M>, limits: RosterLimits<M>): boolean =>
  session.isAway || limits.isAway?.(session.member) === true;

const isSameOwner = (slot: NickSlot, { owner }: Occupant): boolean =>
  slot.owner !== undefined && owner !== undefined && constantTimeEqual(slot.owner, owner);
