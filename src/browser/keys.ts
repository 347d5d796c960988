import { hkdf } from '@noble/hashes/hkdf.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 as hash } from '@noble/hashes/sha2.js';
import { asFernetKey, type Hash } from '../../streams/client/index.js';
import { encodeText, type RoomName, toBase64url } from '../../streams/wire/index.js';
import type { RoomKeys } from '../crypto/secret.js';
import { signingKey } from './signingKey.js';

/** SHA-256 in JavaScript. */
export const sha256: Hash = (bytes) => hash(bytes);

/** Derives a room's keys from its 32-byte secret: HKDF-SHA256 (RFC 5869), no salt, one label for each. */
export const deriveRoomKeys = (secret: Uint8Array): RoomKeys => {
  const derive = (label: string) => hkdf(hash, secret, undefined, encodeText(`rxchat/1 ${label}`), 32);
  const { key, sign } = signingKey(derive('room signing key'));
  return { room: key as RoomName, fernetKey: asFernetKey(derive('room fernet key')), sign };
};

/** Shows an access token over one join: HMAC-SHA256, base64url. The token itself does not leave. */
export const showAccess =
  (token: string) =>
  (message: Uint8Array): string =>
    toBase64url(hmac(hash, encodeText(token), message));
