import type { Observable } from 'rxjs';
import type { Ledger } from './cluster/ledger.js';
import type { ConnectionLimits } from './connection/connectionLimits.js';
import type { Bans, JoinPolicyOptions, JoinRates } from './connection/joinPolicy.js';
import type { RateLimits } from './connection/rateLimit.js';
import type { ServeConnectionOptions } from './connection/serveConnection.js';
import type { GroupCommitOptions } from './log/groupCommit.js';
import type { History } from './log/history.js';
import type { MembersOptions } from './members/members.js';
import type { PresenceOptions } from './members/presence.js';

/** Limits of a relay; unlimited by default, except for `maxLineBytes` and `maxConnectionsPerNick`. */
export interface RelayLimits
  extends
    ConnectionLimits,
    JoinRates,
    RateLimits,
    Pick<ServeConnectionOptions, 'byteRatePerAddress' | 'maxLineBytes'>,
    Pick<JoinPolicyOptions, 'maxRooms' | 'newRoomRatePerAddress'>,
    Pick<MembersOptions, 'maxRoomMembers' | 'maxConnectionsPerNick'> {
  /** Bytes that the windows of all rooms can take together; the least recently used shrink first. */
  readonly memoryLimitBytes?: number;
}

/** Times of a relay, in ms. */
export interface RelayTiming
  extends
    Pick<ServeConnectionOptions, 'handshakeTimeoutMs' | 'heartbeatMs' | 'retryMs'>,
    Pick<MembersOptions, 'reconnectGraceMs'>,
    PresenceOptions {
  /** Time after which members that wait for a `ledger` are refused; 30 s. */
  readonly storeTimeoutMs?: number;
  /** Time that a room without members stays in memory, with a log that is not stored. An hour; with a store a minute. */
  readonly roomIdleMs?: number;
}

/** Where a relay keeps the logs of its rooms. */
export interface RelayHistory extends Pick<GroupCommitOptions, 'windowBytes'> {
  /** Stores logs; without it they are in memory only. */
  readonly store?: History | undefined;
}

/** Options of a relay: what it needs from its platform, who can join, and three groups of settings with defaults. */
export interface RelayOptions
  extends
    Pick<ServeConnectionOptions, 'nonce' | 'verify' | 'stop$' | 'inspect$'>,
    Pick<GroupCommitOptions, 'logId' | 'hash' | 'endOfTick$'>,
    Pick<JoinPolicyOptions, 'checkAccess' | 'allowedRooms'> {
  readonly limits?: RelayLimits | undefined;
  readonly timing?: RelayTiming | undefined;
  readonly history?: RelayHistory | undefined;
  /** Stores the logs of rooms that other relays serve, too; instead of a store of its own. It needs `hash`. */
  readonly ledger?: Ledger | undefined;
  /** What it emits replaces `limits`, `checkAccess` and `allowedRooms`, as `RelayRules` says. */
  readonly rules$?: Observable<RelayRules> | undefined;
  /** Each time it emits, the relay emits what it holds at that moment. */
  readonly sample$?: Observable<unknown> | undefined;
  /**
   * Names of rooms to remove from memory and from the store. Their members get `ERR room-not-allowed`. For each name the relay
   * emits `room-removed` or `room-not-removed`. Rooms of a `ledger` are not removed.
   */
  readonly removeRoom$?: Observable<string> | undefined;
  /** Addresses and rooms that are banned. Members that have joined before are not ended. */
  readonly bans?: Bans | undefined;
}

/**
 * Rules of a relay that can change while it runs. A rule that is missing limits nothing, as at the start.
 *
 * They apply to connections, joins and rooms from then on, and end nobody. Open connections get the new rates, whose bursts
 * start again. They keep the length of lines, and a room in memory keeps the limits of its members. With a lower
 * `memoryLimitBytes` the windows shrink at once.
 */
export interface RelayRules extends Pick<RelayOptions, 'limits' | 'checkAccess' | 'allowedRooms'> {
  /** Time in ms for the answer to `NICK`; without it, that of `timing`. It starts again for connections that have not joined. */
  readonly handshakeTimeoutMs?: number | undefined;
}
