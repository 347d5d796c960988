import { schedulerTime } from '../rx/tokenBucket.js';
import { closeWith, type Control } from '../wire/control.js';
import type { JoinLimiter } from './connection/joinPolicy.js';
import type { Member, MemberCommand } from './connection/parseCommands.js';

/** The connections of the members of a room. */
export interface RoomConnections {
  /** Records a join or a leave. */
  readonly track: (command: MemberCommand) => void;
  /** Closes all connections, after a control if there is one, and returns their members. */
  readonly closeAll: (control?: Control) => readonly Member[];
}

/** A member that stayed for this time in ms and lost its connection rejoins before strangers. */
const MIN_STAY_MS = 10_000;

/**
 * Creates an empty list of the connections of a room. A member may not be served yet when its room fails or is removed;
 * nothing else would close its connection.
 */
export const roomConnections = (limiter: Pick<JoinLimiter, 'reserve'>): RoomConnections => {
  const joinedAt = new Map<Member, number>();
  return {
    track: (command) => {
      const { member, type } = command;
      if (type === 'join') joinedAt.set(member, schedulerTime());
      if (type === 'leave') {
        const since = joinedAt.get(member) ?? Infinity;
        if (isLost(command) && schedulerTime() - since >= MIN_STAY_MS)
          limiter.reserve(member.connection.peer);
        joinedAt.delete(member);
      }
    },
    closeAll: (control) => {
      const members = [...joinedAt.keys()];
      joinedAt.clear();
      for (const { connection } of members) closeWith(connection, control);
      return members;
    },
  };
};

/** Returns whether a connection ended without the intention of its client. */
const isLost = ({ reason, error }: Extract<MemberCommand, { type: 'leave' }>): boolean =>
  reason !== 'bye' && error === undefined;
