import type { FernetKey } from '../../streams/client/index.js';
import type { RoomName } from '../../streams/wire/index.js';

/** Bytes of a room secret. */
export const SECRET_BYTES = 32;

/** What an invite's secret becomes: the room's name, its Fernet key, and the right to come in. */
export interface RoomKeys {
  readonly room: RoomName;
  readonly fernetKey: FernetKey;
  /** Signs with the room's Ed25519 key (RFC 8032); base64url. */
  readonly sign: (message: Uint8Array) => string;
}
