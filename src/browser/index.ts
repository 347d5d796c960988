/** The library for browsers: the rooms of `rxchat` over WebSockets, without any Node API. */
export { formatAddress } from '../util/address.js';
export type { Address } from '../util/address.js';
export { LimitError, ConnectionError, ProtocolError, RefusedError } from '../../streams/wire/index.js';
export { GroupFullError, RemovedError, shareSession, WithdrawnError } from '../../streams/client/index.js';
export type { GroupRole, RemovalRule, SnapshotOrder } from '../../streams/client/index.js';
export { createDevice } from '../../streams/client/group/index.js';
export { createGroup } from '../platform/createGroup.js';
export type { NewGroup } from '../platform/createGroup.js';
export type { GroupSettings } from '../platform/clientOptions.js';
export type { OpenSessionOptions, JoinRoomOptions } from '../platform/createJoinRoom.js';
export type { RoomKeys, ScryptCost } from '../crypto/roomKeys.js';
export { createInvite, InviteError, isLocked } from '../invite/invite.js';
export type { Invite, LockedInvite } from '../invite/invite.js';
export { formatInvite, parseAnyInvite, parseInvite } from '../invite/inviteText.js';
export type { Platform } from '../platform/platform.js';
export type {
  Aead,
  CryptoSuite,
  Device,
  KeyAgreement,
  SignatureScheme,
  SigningKey,
} from '../../streams/client/group/index.js';
export { connectWebSocket, webSocketUrl } from '../net/websocket/webSocketClient.js';
export type { WebSocketClientOptions } from '../net/websocket/webSocketClient.js';
export type { WebSocketEventType, WebSocketLike } from '../net/websocket/webSocketConnection.js';
export { browserPlatform, openSession, joinRoom } from './browserPlatform.js';
export { connectTo } from './keyRoomPlatform.js';
export {
  createIdentity,
  deriveRoomKeys,
  safetyNumber,
  sha256,
  signingKey,
  unlockInvite,
  verifySignature,
} from './nobleKeys.js';
export { nobleCipher } from './nobleCipher.js';
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
} from '../../streams/client/index.js';
export type {
  Ancestor,
  Announcement,
  Connection,
  Control,
  ErrorCode,
  Resume,
  RoomName,
  Sha256,
  Verify,
  Welcome,
} from '../../streams/wire/index.js';
