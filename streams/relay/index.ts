export { AppendConflictError } from './cluster/ledger.js';
export type {
  CachedRecord,
  CachedRoom,
  Ledger,
  LedgerRecord,
  ReadOptions,
  RecordCache,
  RelayPresence,
} from './cluster/ledger.js';
export { addressKey } from './connection/addressRate.js';
export type { AddressRate } from './connection/addressRate.js';
export { connectionCounter } from './connection/connectionLimits.js';
export type {
  ConnectionLimits,
  ConnectionCounter,
  ConnectionRejected,
  LimitConnectionsOptions,
} from './connection/connectionLimits.js';
export type {
  Bans,
  CheckAccess,
  JoinLimiter,
  JoinPolicy,
  JoinPolicyOptions,
  JoinRates,
  JoinRequest,
} from './connection/joinPolicy.js';
export type { ConnectionInfo, InspectConnection } from './connection/inspectConnection.js';
export type { Member, MemberCommand } from './connection/parseCommands.js';
export type { RateLimits, ReadControl } from './connection/rateLimit.js';
export type { ServeConnectionOptions } from './connection/serveConnection.js';
export type { MemberFailed } from './delivery/deliver.js';
export type { DeliveryTotals } from './delivery/deliveryCounter.js';
export { fanOut } from './delivery/fanOut.js';
export type { LogReader } from './delivery/fanOut.js';
export type { CommitQueueOptions, CommittedEvent, LinesStored, NotStored } from './log/commitQueue.js';
export type { JoinedMember } from './log/completeJoin.js';
export type { Cursor } from './log/cursor.js';
export type { GroupCommitOptions } from './log/groupCommit.js';
export type {
  Batch,
  Gap,
  History,
  PendingRead,
  ReadableLog,
  RemovedEntries,
  StoredLog,
} from './log/history.js';
export { DEFAULT_WINDOW_BYTES, MIN_WINDOW_BYTES } from './log/roomLog.js';
export type { MemoryBudget, Reservation } from './log/slabs.js';
export { DEFAULT_MAX_CONNECTIONS_PER_NICK } from './members/decisions.js';
export type { MemberEvent, MembersOptions } from './members/members.js';
export type { Announced, PresenceOptions } from './members/presence.js';
export { relay } from './relay.js';
export type { LoadSampled, RelayEvent, RoomFailed } from './relay.js';
export type { RelayHistory, RelayLimits, RelayOptions, RelayRules, RelayTiming } from './relayOptions.js';
export type { RoomNotRemoved, RoomRemoved } from './roomRemoval.js';
export type { RoomEvent, ServeRoomOptions } from './serveRoom.js';
export { tokenBucket } from '../rx/tokenBucket.js';
export type { Rate } from '../rx/tokenBucket.js';
