import { LimitError } from '../../wire/errors.js';
import type { Verify } from '../../wire/handshake.js';
import { encodeText } from '../../wire/encoding.js';
import type { Plaintext } from './cipher.js';
import type { Identity } from './identity.js';
import {
  bodyOf,
  type Envelope,
  formatMessageContent,
  isBase64url,
  parseMessageContent,
  parseSignedJson,
  signedBytes,
  toSignedJson,
} from './messageContent.js';

export { type Act, type Envelope, MAX_LINES, tooManyLinesError } from './messageContent.js';

/** An envelope with its signature, which is not verified yet. */
export interface SignedEnvelope extends Envelope {
  /** 86 characters of base64url. */
  readonly signature: string;
}

/** The maximum size of an envelope in bytes. Its token then fits a line of 64 KiB. */
export const MAX_ENVELOPE_BYTES = 49_087;

/** The smallest size of a padded envelope in bytes. */
const MIN_PADDED_BYTES = 512;

/** Separates these signatures from any others of the same key. The JSON up to the signature follows. */
const SIGNATURE_DOMAIN = encodeText('rxchat/1 message\n');

/** Encodes, signs and pads an envelope. Throws a `LimitError` if it is too large, a `TypeError` if it has no line. */
export const encodeEnvelope = (envelope: Envelope, { sign }: Pick<Identity, 'sign'>): Plaintext => {
  const { room, key } = envelope;
  const fields = formatMessageContent(envelope, { room, key });
  return pad(toSignedJson(fields, (body) => sign(signedBytes(SIGNATURE_DOMAIN, body)))) as Plaintext;
};

/** Decodes an envelope, or returns `undefined` if the bytes are not one. Drops unknown fields. */
export const decodeEnvelope = (plaintext: Plaintext): SignedEnvelope | undefined => {
  const json = parseSignedJson(stripPadding(plaintext));
  const content = json && parseMessageContent(json.fields);
  if (json === undefined || content === undefined) return undefined;
  const { room, key } = json.fields;
  return isBase64url(room, 32) && isBase64url(key, 32)
    ? { ...content, room, key, signature: json.signature }
    : undefined;
};

/** Returns whether the signature of a decoded envelope is valid for the key that the envelope names. */
export const hasValidSignature = (
  plaintext: Plaintext,
  { key, signature }: SignedEnvelope,
  verify: Verify,
): boolean => verify(key, signedBytes(SIGNATURE_DOMAIN, bodyOf(stripPadding(plaintext))), signature);

const SPACE_BYTE = 0x20;

/**
 * Appends spaces up to 512, 1024 ... 32 768 bytes or the limit, so that the size reveals little about the message.
 *
 * Throws a `LimitError` for more than `MAX_ENVELOPE_BYTES` bytes.
 */
export const pad = (bytes: Uint8Array): Uint8Array => {
  if (bytes.length > MAX_ENVELOPE_BYTES)
    throw new LimitError(`a message of ${bytes.length} bytes is over the limit of ${MAX_ENVELOPE_BYTES}`);
  let size = MIN_PADDED_BYTES;
  while (size < bytes.length) size *= 2;
  const filled = new Uint8Array(Math.min(size, MAX_ENVELOPE_BYTES)).fill(SPACE_BYTE);
  filled.set(bytes);
  return filled;
};

const stripPadding = (bytes: Uint8Array): Uint8Array => {
  let end = bytes.length;
  while (bytes[end - 1] === SPACE_BYTE) end -= 1;
  return bytes.subarray(0, end);
};
