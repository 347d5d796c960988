export { connectionPair } from './connection.js';
export type { Connection, ConnectionPairOptions, Sink } from './connection.js';
export { constantTimeEqualBytes } from './constantTimeEqual.js';
export type { Control } from './control.js';
export {
  decodeText,
  decodeTextLossy,
  encodeLine,
  encodeText,
  fromBase64url,
  toBase64url,
} from './encoding.js';
export {
  TOKEN_BLOCK_BYTES,
  TOKEN_CIPHERTEXT_OFFSET,
  TOKEN_HMAC_BYTES,
  TOKEN_IV_OFFSET,
  TOKEN_TIME_OFFSET,
  TOKEN_VERSION,
} from './entry.js';
export type { Announcement } from './entry.js';
export {
  BusyError,
  ConnectionError,
  LimitError,
  ProtocolError,
  RefusedError,
  TRANSIENT_CODES,
} from './errors.js';
export type { ErrorCode } from './errors.js';
export {
  ENTRY_HASH_BYTES,
  formatResume,
  isLogId,
  MAX_ANCESTORS,
  parseResume,
  POSITION_LIMIT,
  sharedPosition,
} from './fields.js';
export type { Ancestor, Resume, Sha256 } from './fields.js';
export type { Feature, Hello, OwnerProof, RoomName, Verify, Welcome } from './handshake.js';
export { heartbeat } from './heartbeat.js';
export type { HeartbeatOptions } from './heartbeat.js';
export { lines, MAX_LINE_BYTES } from './lines.js';
export type { LineLimits, Lines } from './lines.js';
export { addNicks, foldNick, validateNick } from './nick.js';
