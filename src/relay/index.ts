/** The relay alone: the relay operator and the listeners that supply its connections on Node. */
export { checkAccess } from '../crypto/accessToken.js';
export { verifySignature } from '../crypto/nodeVerify.js';
export { relay } from './relay.js';
export type { NodeRelayOptions } from './relay.js';
export { loadCertificate } from '../net/tls/certificate.js';
export { listenTcp, tcpConnection } from '../net/tcp.js';
export { listenTls } from '../net/tls/tls.js';
export type { Certificate, PeerCertificate } from '../net/tls/certificate.js';
export { nodeWebSocketConnection as webSocketConnection } from '../net/websocket/webSocketServer.js';
export type { WebSocketEventType, WebSocketLike } from '../net/websocket/webSocketConnection.js';
export { endOfTick$ } from './endOfTick.js';
export { listenWeb, acceptWebSockets } from '../net/web/listenWeb.js';
export type { ListenWebOptions, AcceptWebSocketsOptions } from '../net/web/listenWeb.js';
export { createPageListener } from '../net/web/pageFiles.js';
export { connectionPair, ProtocolError } from '../../streams/wire/index.js';
export type { Connection, Sha256, ConnectionPairOptions, Verify } from '../../streams/wire/index.js';
export type { Address } from '../util/address.js';
export type { ListenAddress, Listener } from '../net/listener.js';
export type { IsTrustedProxy } from '../net/trustedProxies.js';
export type { ProxyOptions } from '../net/readProxyHeaders.js';
export type { ListenerFault } from '../net/listener.js';
export type {
  AddressRate,
  Announced,
  Bans,
  Batch,
  CheckAccess,
  CommitQueueOptions,
  CommittedEvent,
  ConnectionCounter,
  ConnectionInfo,
  ConnectionLimits,
  ConnectionRejected,
  Cursor,
  DeliveryTotals,
  Gap,
  GroupCommitOptions,
  History,
  InspectConnection,
  JoinedMember,
  JoinLimiter,
  JoinPolicy,
  JoinPolicyOptions,
  JoinRates,
  JoinRequest,
  CachedRecord,
  CachedRoom,
  Ledger,
  LedgerRecord,
  RecordCache,
  LimitConnectionsOptions,
  LinesStored,
  LoadSampled,
  Member,
  MemberCommand,
  MemberEvent,
  MemberFailed,
  MembersOptions,
  MemoryBudget,
  NotStored,
  PendingRead,
  PresenceOptions,
  Rate,
  RateLimits,
  ReadableLog,
  ReadControl,
  ReadOptions,
  RemovedEntries,
  RelayEvent,
  RelayHistory,
  RelayLimits,
  RelayOptions,
  RelayPresence,
  RelayRules,
  RelayTiming,
  Reservation,
  RoomEvent,
  RoomFailed,
  RoomNotRemoved,
  RoomRemoved,
  ServeConnectionOptions,
  ServeRoomOptions,
  StoredLog,
} from '../../streams/relay/index.js';
export type {
  Ancestor,
  Announcement,
  ErrorCode,
  Feature,
  Hello,
  Lines,
  OwnerProof,
  Resume,
  RoomName,
  Welcome,
} from '../../streams/wire/index.js';
