import { decodeText, encodeText, fromBase64url, toBase64url } from '../../wire/encoding.js';
import type { Identity } from '../envelope/identity.js';
import { BytesError, concatBytes, parseBytes, u8 } from './bytes.js';
import type { SignatureScheme, SigningKey } from './cryptoSuite.js';
import type { Device, Member } from './engine.js';

/** The maximum length of a device's label in bytes. */
export const MAX_LABEL_BYTES = 64;

const VERSION = 1;
const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;

/** Separates these signatures from any others of the same identity. The device's key and its label follow. */
const SIGNATURE_DOMAIN = encodeText('rxchat/2 device\n');

/** Decodes base64url of a known length. Throws a `TypeError` for anything else. */
export const decodeBase64url = (text: string, lengthBytes: number): Uint8Array => {
  const bytes = fromBase64url(text);
  if (bytes?.length !== lengthBytes) throw new TypeError(`${lengthBytes} bytes of base64url expected`);
  return bytes;
};

/**
 * Creates a device: the identity certifies the device's public key and its label.
 *
 * The identity's private key is needed only here. Throws a `TypeError` if the label is longer than 64 bytes.
 */
export const createDevice = (key: SigningKey, identity: Identity, label: string): Device => {
  const labelBytes = encodeText(label);
  if (labelBytes.length > MAX_LABEL_BYTES)
    throw new TypeError(`a label of ${labelBytes.length} bytes is over the limit of ${MAX_LABEL_BYTES}`);
  const signature = identity.sign(concatBytes(SIGNATURE_DOMAIN, key.publicKey, labelBytes));
  const credential = concatBytes(
    u8(VERSION),
    decodeBase64url(identity.key, KEY_BYTES),
    decodeBase64url(signature, SIGNATURE_BYTES),
    labelBytes,
  );
  return { publicKey: key.publicKey, sign: key.sign, credential };
};

/** Verifies a credential, or returns `undefined` if the identity does not certify this device's public key. */
export const parseCredential = (
  credential: Uint8Array,
  devicePublicKey: Uint8Array,
  { verify }: Pick<SignatureScheme, 'verify'>,
): Omit<Member, 'leaf'> | undefined =>
  parseBytes(credential, (reader) => {
    if (reader.u8() !== VERSION) throw new BytesError('unknown version of a credential');
    const identity = reader.bytes(KEY_BYTES);
    const signature = reader.bytes(SIGNATURE_BYTES);
    const labelBytes = reader.rest();
    const label = decodeText(labelBytes);
    if (label === undefined || labelBytes.length > MAX_LABEL_BYTES)
      throw new BytesError('the label of a credential is too long or not UTF-8');
    if (!verify(identity, concatBytes(SIGNATURE_DOMAIN, devicePublicKey, labelBytes), signature))
      throw new BytesError('the identity did not sign the credential');
    return { identity: toBase64url(identity), device: toBase64url(devicePublicKey), label };
  });
