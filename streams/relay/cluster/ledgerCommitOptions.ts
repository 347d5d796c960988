import type { Member } from '../connection/parseCommands.js';
import type { GroupCommitOptions } from '../log/groupCommit.js';
import { DEFAULT_WINDOW_BYTES, roomLog } from '../log/roomLog.js';
import { DEFAULT_RECONNECT_GRACE_MS, type MembersOptions } from '../members/members.js';
import type { PresenceOptions } from '../members/presence.js';
import { type Cluster, WARM_UP_MS } from './cluster.js';
import { ledgerLog } from './ledgerLog.js';
import type { RoomStateOptions } from './roomContext.js';
import { hashSession } from './sharedRoster.js';

export interface LedgerCommitOptions
  extends
    MembersOptions,
    PresenceOptions,
    Pick<GroupCommitOptions, 'logId' | 'hash' | 'windowBytes' | 'budget' | 'endOfTick$'> {
  readonly cluster: Cluster;
  /** Time in ms after which members that wait for the engine are refused; 30 s. */
  readonly storeTimeoutMs?: number;
}

export const DEFAULT_STORE_TIMEOUT_MS = 30_000;

/** Returns the options of the state of a room, with defaults. */
export const stateOptions = (
  room: string,
  writer: string,
  { cluster, windowBytes = DEFAULT_WINDOW_BYTES, ...options }: LedgerCommitOptions,
): RoomStateOptions => {
  const { ledger } = cluster;
  const { relayId, durability, maxAgeMs } = ledger;
  const { budget, hash } = options;
  if (hash === undefined) throw new TypeError('a relay with a ledger needs the option hash');
  return {
    room,
    writer,
    relayId,
    durability,
    maxAgeMs,
    reconnectGraceMs: options.reconnectGraceMs ?? DEFAULT_RECONNECT_GRACE_MS,
    coalesceMs: options.coalesceMs ?? 1000,
    storeTimeoutMs: options.storeTimeoutMs ?? DEFAULT_STORE_TIMEOUT_MS,
    warmUpMs: WARM_UP_MS,
    maxRoomMembers: options.maxRoomMembers,
    maxConnectionsPerNick: options.maxConnectionsPerNick,
    budget,
    hash,
    logId: options.logId,
    openLog: (id, { base, tail, next }, first) => {
      const past = ledgerLog({
        ledger,
        room,
        id,
        base,
        first,
        start: { tail, next },
        cached: ledger.cache?.open(room),
        cache: cluster.blockCache,
        fetches: cluster.fetches,
      });
      return { past, log: roomLog({ id, windowBytes, stored: past, budget }) };
    },
    isAlive: (relayId) => cluster.isAlive(relayId),
    toShared: ({ nick, session, owner }: Member) => ({
      nick,
      session: hashSession(room, session, hash),
      owner: owner === undefined ? undefined : hashSession(room, owner, hash),
      connection: `${relayId}.${cluster.nextNumber()}`,
    }),
  };
};
