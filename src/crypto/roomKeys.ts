import {
  createPrivateKey,
  createPublicKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
  sign,
  verify,
} from 'node:crypto';
import {
  asFernetKey,
  type FernetKey,
  fromBase64url,
  type RoomName,
  toBase64url,
  type Verify,
} from '../../streams/index.js';

/** What an invite's secret becomes: the room's name, its Fernet key, and the right to come in. */
export interface RoomKeys {
  readonly room: RoomName;
  readonly fernetKey: FernetKey;
  /** Signs with the room's Ed25519 key (RFC 8032); base64url. */
  readonly sign: (message: Uint8Array) => string;
}

/** DER around a raw Ed25519 key (RFC 8410), which is how `node:crypto` takes one. */
const PRIVATE_DER = Buffer.from('302e020100300506032b657004220420', 'hex');
const PUBLIC_DER = Buffer.from('302a300506032b6570032100', 'hex');

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
    room: toBase64url(rawPublicKey(privateKey)) as RoomName,
    fernetKey: asFernetKey(derive('room fernet key')),
    sign: (message) => toBase64url(sign(null, message, privateKey)),
  };
};

/** Whether a join proof holds under a room's public key. */
export const verifyProof: Verify = (room, message, signature) => {
  const raw = fromBase64url(room);
  const bytes = fromBase64url(signature);
  if (raw?.length !== 32 || bytes?.length !== 64) return false;
  try {
    const key = createPublicKey({ key: Buffer.concat([PUBLIC_DER, raw]), format: 'der', type: 'spki' });
    return verify(null, message, key, bytes);
  } catch {
    return false;
  }
};

/** `n` random bytes as base64url. */
export const randomText = (n: number): string => toBase64url(randomBytes(n));

const rawPublicKey = (privateKey: KeyObject): Uint8Array =>
  createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(PUBLIC_DER.length);
