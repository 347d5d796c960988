/** The library on Node: rooms, the relay and what they need. The core is `rxchat/streams`. */
export { formatAddress } from './util/address.js';
export { createInvite, createLockedInvite, InviteError, isLocked } from './invite/invite.js';
export type { Invite, LockedInvite } from './invite/invite.js';
export type { ScryptCost, RoomKeys } from './crypto/roomKeys.js';
export { unlockInvite, openSession, connectTo, nodePlatform, joinRoom } from './node/nodePlatform.js';
export { formatInvite, parseAnyInvite, parseInvite } from './invite/inviteText.js';
export { nodeCipher, npmCipher } from './crypto/nodeCipher.js';
export { createIdentity, deriveRoomKeys, safetyNumber, signingKey } from './crypto/nodeKeys.js';
export { sha256, verifySignature } from './crypto/nodeVerify.js';
export { IdentityError } from './identity/privateFile.js';
export type { IdentityErrorCode } from './identity/privateFile.js';
export { openIdentity } from './identity/openIdentity.js';
export { openKnownKeys } from './identity/knownKeys.js';
export type { KnownKeys } from './identity/knownKeys.js';
export { LimitError, ConnectionError, ProtocolError, RefusedError } from '../streams/wire/index.js';
export { GroupFullError, RemovedError, shareSession, WithdrawnError } from '../streams/client/index.js';
export type { GroupRole, RemovalRule, SnapshotOrder } from '../streams/client/index.js';
export { createDevice } from '../streams/client/group/index.js';
export { createGroup } from './platform/createGroup.js';
export type { NewGroup } from './platform/createGroup.js';
export type { GroupSettings } from './platform/clientOptions.js';
export { createOpenSession, createJoinRoom } from './platform/createJoinRoom.js';
export type { OpenSessionOptions, JoinRoomOptions } from './platform/createJoinRoom.js';
export type { Platform } from './platform/platform.js';
export type {
  Aead,
  CryptoSuite,
  Device,
  KeyAgreement,
  SignatureScheme,
  SigningKey,
} from '../streams/client/group/index.js';
export { relay } from './relay/relay.js';
export type { NodeRelayOptions } from './relay/relay.js';
export { connectTcp, listenTcp, tcpConnection } from './net/tcp.js';
export { connectTls, listenTls } from './net/tls/tls.js';
export type { Certificate, PeerCertificate } from './net/tls/certificate.js';
export { loadCertificate } from './net/tls/certificate.js';
export { trustAuthority, trustPin, TrustError } from './net/tls/trust.js';
export type { TrustPolicy } from './net/tls/trust.js';
export { endOfTick$ } from './relay/endOfTick.js';
export type { Address } from './util/address.js';
export type { ListenAddress, Listener } from './net/listener.js';
export type { IsTrustedProxy } from './net/trustedProxies.js';
export type { ProxyOptions } from './net/readProxyHeaders.js';
export type { ListenerFault } from './net/listener.js';
export type {
  Act,
  Alarm,
  AlarmReason,
  BeforeJoin,
  Behind,
  Cipher,
  ClientEvent,
  Duplicate,
  Envelope,
  EpochStarted,
  FernetKey,
  FirstSeen,
  Forgotten,
  GroupClientEvent,
  GroupMember,
  GroupRequest,
  GroupResumed,
  HandshakeEntry,
  Identity,
  InputComplete,
  InviteChanged,
  KeyChanged,
  Leaving,
  LogChanged,
  MembershipOutput,
  Message,
  MessageContent,
  NoGroupInfo,
  Offline,
  OpenFailure,
  OutgoingMessage,
  Plaintext,
  QueuedMessage,
  ReadRange,
  Receipt,
  RejectedEntry,
  RelayMessage,
  RelayRotation,
  RemovedFromGroup,
  Renamed,
  RenameRejected,
  RequestDone,
  RequestRefused,
  Roster,
  SendFailed,
  Session,
  SessionState,
  ShareSessionOptions,
  StoredMessage,
  TimeWarning,
  TimeWindow,
  Token,
  TokenEntry,
  Undecryptable,
  Unread,
  VoidEntry,
  WithHash,
} from '../streams/client/index.js';
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
} from '../streams/relay/index.js';
export type {
  Ancestor,
  Announcement,
  Connection,
  Control,
  ErrorCode,
  Feature,
  Hello,
  Lines,
  OwnerProof,
  Resume,
  RoomName,
  Sha256,
  Verify,
  Welcome,
} from '../streams/wire/index.js';
