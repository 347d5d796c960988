import { encodeText, fromBase64url, toBase64url } from '../../wire/encoding.js';
import type { Plaintext } from '../envelope/cipher.js';
import type { Identity } from '../envelope/identity.js';
import {
  bodyOf,
  formatMessageContent,
  isBase64url,
  type MessageContent,
  parseMessageContent,
  parseSignedJson,
  signedBytes,
  toSignedJson,
} from '../envelope/messageContent.js';
import { concatBytes, lengthPrefixed } from './bytes.js';
import type { CryptoSuite, SigningKey } from './cryptoSuite.js';
import {
  type ExternalSenderData,
  formatExternalSenderData,
  formatSenderData,
  type SenderData,
} from './frame.js';

/**
 * An envelope of a group room. Its signature binds it to one message key of one epoch.
 *
 * So no member can send the envelope of another member again with another message key, and only the sender can use up
 * its message keys.
 */
export interface BoundEnvelope extends MessageContent {
  /** The public key of the sender's identity, base64url. */
  readonly key: string;
  /** SHA-256 of what was signed besides the binding. A message that was sealed again has the same. */
  readonly bodyHash: string;
}

/** Separates these signatures from any others of the same key. The binding and the JSON up to the signature follow. */
const MEMBER_DOMAIN = encodeText('rxchat/2 message\n');
const EXTERNAL_DOMAIN = encodeText('rxchat/2 external message\n');

const KEY_BYTES = 32;

const memberDomain = (groupId: Uint8Array, senderData: SenderData): Uint8Array =>
  concatBytes(MEMBER_DOMAIN, lengthPrefixed(groupId), formatSenderData(senderData));

const externalDomain = (groupId: Uint8Array, senderData: ExternalSenderData): Uint8Array =>
  concatBytes(EXTERNAL_DOMAIN, lengthPrefixed(groupId), formatExternalSenderData(senderData));

/** Encodes the envelope of a member, signed by its device. Throws a `TypeError` if it has no line. */
export const encodeBoundEnvelope = (
  content: MessageContent,
  { sign }: Pick<SigningKey, 'sign'>,
  groupId: Uint8Array,
  senderData: SenderData,
): Plaintext => {
  const domain = memberDomain(groupId, senderData);
  return toSignedJson(formatMessageContent(content, {}), (body) =>
    toBase64url(sign(signedBytes(domain, body))),
  ) as Plaintext;
};

/** The sender of a member's message. */
export interface BoundSender {
  readonly identity: string;
  /** The public key of the device: base64url. */
  readonly device: string;
}

type Verifier = Pick<CryptoSuite, 'sha256'> & { readonly ed25519: Pick<CryptoSuite['ed25519'], 'verify'> };

/**
 * Verifies and decodes the envelope of a member.
 *
 * Returns `bad-signature` if the device did not sign it for this message key, and `not an envelope` if the signature is
 * valid and the content is not.
 */
export const decodeBoundEnvelope = (
  plaintext: Uint8Array,
  { identity, device }: BoundSender,
  groupId: Uint8Array,
  senderData: SenderData,
  suite: Verifier,
): BoundEnvelope | 'bad-signature' | 'not an envelope' => {
  const json = parseSignedJson(plaintext);
  const publicKey = fromBase64url(device);
  if (json === undefined || publicKey === undefined) return 'bad-signature';
  if (!isSigned(plaintext, json.signature, memberDomain(groupId, senderData), publicKey, suite))
    return 'bad-signature';
  const content = parseMessageContent(json.fields);
  return content ? { ...content, key: identity, bodyHash: bodyHashOf(plaintext, suite) } : 'not an envelope';
};

/** Encodes the envelope of an external sender, signed by its identity. Throws a `TypeError` if it has no line. */
export const encodeExternalEnvelope = (
  content: MessageContent,
  { key, sign }: Identity,
  groupId: Uint8Array,
  senderData: ExternalSenderData,
): Plaintext => {
  const domain = externalDomain(groupId, senderData);
  return toSignedJson(formatMessageContent(content, { key }), (body) =>
    sign(signedBytes(domain, body)),
  ) as Plaintext;
};

/** Verifies and decodes the envelope of an external sender, by the identity that it names. */
export const decodeExternalEnvelope = (
  plaintext: Uint8Array,
  groupId: Uint8Array,
  senderData: ExternalSenderData,
  suite: Verifier,
): BoundEnvelope | 'bad-signature' | 'not an envelope' => {
  const json = parseSignedJson(plaintext);
  const key = json?.fields['key'];
  const content = json && parseMessageContent(json.fields);
  if (json === undefined || content === undefined || !isBase64url(key, KEY_BYTES)) return 'not an envelope';
  const publicKey = fromBase64url(key);
  if (publicKey === undefined) return 'not an envelope';
  return isSigned(plaintext, json.signature, externalDomain(groupId, senderData), publicKey, suite)
    ? { ...content, key, bodyHash: bodyHashOf(plaintext, suite) }
    : 'bad-signature';
};

const isSigned = (
  plaintext: Uint8Array,
  signature: string,
  domain: Uint8Array,
  publicKey: Uint8Array,
  { ed25519 }: Verifier,
): boolean => {
  const bytes = fromBase64url(signature);
  return bytes !== undefined && ed25519.verify(publicKey, signedBytes(domain, bodyOf(plaintext)), bytes);
};

const bodyHashOf = (plaintext: Uint8Array, { sha256 }: Verifier): string =>
  toBase64url(sha256(bodyOf(plaintext)));
