export type { ClientOptions } from './client.js';
export { resumeAfter } from './clientEvent.js';
export type {
  ClientEvent,
  Duplicate,
  InputComplete,
  LogChanged,
  MembershipOutput,
  Message,
  SendFailed,
} from './clientEvent.js';
export { asFernetKey } from './envelope/cipher.js';
export type {
  Cipher,
  FernetKey,
  Keyring,
  OpenFailure,
  Plaintext,
  TimeWindow,
  Token,
} from './envelope/cipher.js';
export { decodeEnvelope, encodeEnvelope } from './envelope/envelope.js';
export type { Act, Envelope, SignedEnvelope } from './envelope/envelope.js';
export { formatGroupId } from './group/groupId.js';
export type { GroupIdFields, RemovalRule } from './group/groupId.js';
export type { GroupContext } from './group/groupEpoch.js';
export { GroupFullError, RemovedError, WithdrawnError } from './group/errors.js';
export type { GroupRole } from './group/handshakeNeed.js';
export { parseSnapshot } from './group/savedState.js';
export { findHandshake } from './group/findHandshake.js';
export type { SnapshotOrder } from './group/snapshotOrder.js';
export type { Snapshot } from './group/savedState.js';
export { groupRoomClient } from './groupRoomClient.js';
export type { GroupOptions, GroupRoom, GroupRoomClientOptions } from './groupRoomOptions.js';
export type {
  BeforeJoin,
  Behind,
  EpochStarted,
  Forgotten,
  GroupClientEvent,
  GroupMember,
  GroupRequest,
  GroupResumed,
  HandshakeEntry,
  InviteChanged,
  Leaving,
  NoGroupInfo,
  RejectedEntry,
  RemovedFromGroup,
  RequestDone,
  RequestRefused,
  Unread,
  VoidEntry,
} from './group/groupClientEvent.js';
export { deriveOwnerKey } from './envelope/identity.js';
export type { Identity } from './envelope/identity.js';
export type { MessageContent } from './envelope/messageContent.js';
export type { ReadRange } from './envelope/readRange.js';
export type { Alarm, AlarmReason, FirstSeen, KeyChanged } from './integrity/alarm.js';
export type { AuditorOptions } from './integrity/auditor.js';
export type { TimestampCheckerOptions, TimeWarning } from './integrity/timestampChecker.js';
export type { Credentials, JoinOptions } from './join.js';
export type { MembershipOptions } from './membership.js';
export { entries } from './receive/entries.js';
export type { RelayMessage, TokenEntry, WithHash } from './receive/entries.js';
export { open } from './receive/open.js';
export type { OpenedToken, OpenOptions, Undecryptable } from './receive/open.js';
export { detectWake } from './reconnect/liveness.js';
export type { DetectWakeOptions } from './reconnect/liveness.js';
export type { Renamed, RenameRejected } from './reconnect/nickChange.js';
export { backoff, reconnect } from './reconnect/reconnect.js';
export type { Offline, ReconnectOptions } from './reconnect/reconnect.js';
export { relayRotation } from './reconnect/relayRotation.js';
export type { RelayRotation } from './reconnect/relayRotation.js';
export { roomClient } from './roomClient.js';
export type { RetryOptions, RoomClientOptions } from './roomClient.js';
export {
  batchLines,
  batchTexts,
  fitsInMessage,
  MAX_BATCH_BYTES,
  MAX_MESSAGE_BYTES,
} from './send/batchLines.js';
export type { QueuedMessage, StoredMessage } from './send/outbox.js';
export { seal } from './send/seal.js';
export type { OutgoingMessage, SealedMessage, SealOptions } from './send/seal.js';
export { session, shareSession } from './session.js';
export type { Receipt, Session, SessionOptions, ShareSessionOptions } from './session.js';
export { roster, sessionState } from './sessionState.js';
export type { Roster, SessionState } from './sessionState.js';
