import { hkdfSync } from 'node:crypto';
import { asFernetKey, type FernetKey } from '../../streams/client/index.js';
import type { RoomName } from '../../streams/wire/index.js';
import { signingKey } from './signingKey.js';

/** What an invite's secret becomes: the room's name, its Fernet key, and the right to come in. */
export interface RoomKeys {
  readonly room: RoomName;
  readonly fernetKey: FernetKey;
  /** Signs with the room's Ed25519 key (RFC 8032); base64url. */
  readonly sign: (message: Uint8Array) => string;
}

/** Bytes of a room secret. */
export const SECRET_BYTES = 32;

/**
 * Derives a room's keys from its 32-byte secret: HKDF-SHA256 (RFC 5869), no salt, one label for each.
 */
export const deriveRoomKeys = (secret: Uint8Array): RoomKeys => {
  const derive = (label: string) => Buffer.from(hkdfSync('sha256', secret, '', `rxchat/1 ${label}`, 32));
  const { key, sign } = signingKey(derive('room signing key'));
  return { room: key as RoomName, fernetKey: asFernetKey(derive('room fernet key')), sign };
};
