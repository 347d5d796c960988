import { createPrivateKey, createPublicKey, hkdfSync, sign } from 'node:crypto';
import { asFernetKey, type FernetKey } from '../../streams/client/index.js';
import { type RoomName, toBase64url } from '../../streams/wire/index.js';

/** What an invite's secret becomes: the room's name, its Fernet key, and the right to come in. */
export interface RoomKeys {
  readonly room: RoomName;
  readonly fernetKey: FernetKey;
  /** Signs with the room's Ed25519 key (RFC 8032); base64url. */
  readonly sign: (message: Uint8Array) => string;
}

/** DER before a raw Ed25519 private key (RFC 8410), which is how `node:crypto` takes one. */
const PRIVATE_DER = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Bytes of a room secret. */
export const SECRET_BYTES = 32;

/**
 * Derives a room's keys from its 32-byte secret: HKDF-SHA256 (RFC 5869), no salt, one label for each.
 */
export const deriveRoomKeys = (secret: Uint8Array): RoomKeys => {
  const derive = (label: string) => Buffer.from(hkdfSync('sha256', secret, '', `rxchat/1 ${label}`, 32));
  const privateKey = createPrivateKey({
    key: Buffer.concat([PRIVATE_DER, derive('room signing key')]),
    format: 'der',
    type: 'pkcs8',
  });
  return {
    room: createPublicKey(privateKey).export({ format: 'jwk' }).x as RoomName,
    fernetKey: asFernetKey(derive('room fernet key')),
    sign: (message) => toBase64url(sign(null, message, privateKey)),
  };
};
