import type { ConnectionInfo, InspectConnection } from '../../../../../streams/relay/index.js';
import { foldNick, ProtocolError } from '../../../../../streams/wire/index.js';
import { parseRange, rangeMatcher } from '../../../../admin/addressRange.js';
import { formatBan } from '../../../../admin/banFile.js';
import { MAX_ROWS, type AdminRequest, type AdminResult } from '../../../../admin/protocol.js';
import { connectionRows, roomRows } from '../../../../admin/rows.js';
import { banConcerns, type StoredBans } from './banActions.js';

type PerformAction = (request: AdminRequest) => AdminResult;

const KICKED = new ProtocolError('access-denied', 'the operator of the relay ended this connection');
const BANNED_ADDRESS = new ProtocolError('access-denied', 'this address is banned from this relay');
const BANNED_ROOM = new ProtocolError('room-not-allowed', 'this room is banned from this relay');

/**
 * Returns the actions that concern connections, and those that keep clients away.
 *
 * @param inspect calls a function with every connection at once.
 */
export const connectionActions = (
  bans: StoredBans,
  inspect: (inspect: InspectConnection) => void,
): Readonly<Record<'connections' | 'rooms' | 'kick' | 'ban' | 'unban' | 'bans', PerformAction>> => {
  const connections = (): readonly ConnectionInfo[] => {
    const found: ConnectionInfo[] = [];
    inspect((connection) => {
      found.push(connection);
      return undefined;
    });
    return found;
  };
  /** Ends the connections that match, and returns their number. */
  const end = (matches: (connection: ConnectionInfo) => boolean, error: ProtocolError): number => {
    let count = 0;
    inspect((connection) => {
      if (!matches(connection)) return undefined;
      count += 1;
      return error;
    });
    return count;
  };

  return {
    connections: () => ({ ...connectionRows(connections()) }),
    rooms: () => ({ ...roomRows(connections()) }),
    kick: ({ target = '' }) => {
      const disconnected = end(kickMatcher(target), KICKED);
      if (disconnected === 0) throw new Error('no connection has this address or nick');
      return { disconnected };
    },
    ban: ({ target = '', forMs }) => {
      const ban = bans.add(target, forMs);
      const disconnected = end(banConcerns(ban), 'room' in ban ? BANNED_ROOM : BANNED_ADDRESS);
      return { ...formatBan(ban), disconnected };
    },
    unban: ({ target = '' }) => ({ ...bans.remove(target) }),
    bans: () => {
      const rows = bans.list().map(formatBan);
      return { total: rows.length, rows: rows.slice(0, MAX_ROWS) };
    },
  };
};

/** Returns which connections a target names: an address as it is listed, a network, or else a nick in any room. */
const kickMatcher = (target: string): ((connection: ConnectionInfo) => boolean) => {
  const range = parseRange(target);
  if (range !== undefined) {
    const isInRange = rangeMatcher([range]);
    return ({ peer }) => isInRange(peer);
  }
  const nick = foldNick(target);
  return ({ peer, member }) => peer === target || (member !== undefined && foldNick(member.nick) === nick);
};
