import { hkdfSync } from 'node:crypto';
import { asFernetKey } from '../../streams/client/index.js';
import type { RoomName } from '../../streams/wire/index.js';
import type { RoomKeys } from './secret.js';
import { signingKey } from './signingKey.js';

/**
 * Derives a room's keys from its 32-byte secret: HKDF-SHA256 (RFC 5869), no salt, one label for each.
 */
export const deriveRoomKeys = (secret: Uint8Array): RoomKeys => {
  const derive = (label: string) => Buffer.from(hkdfSync('sha256', secret, '', `rxchat/1 ${label}`, 32));
  const { key, sign } = signingKey(derive('room signing key'));
  return { room: key as RoomName, fernetKey: asFernetKey(derive('room fernet key')), sign };
};
