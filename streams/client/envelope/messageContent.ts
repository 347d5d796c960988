import { decodeText, encodeText, fromBase64url } from '../../wire/encoding.js';
import { LimitError } from '../../wire/errors.js';
import { MAX_NICK_LENGTH } from '../../wire/nick.js';
import { formatReadRange, parseReadRange, type ReadRange } from './readRange.js';

/** The kind of a message that is more than text: an action (`me`), a new topic, or the absence of its sender. */
export type Act = 'me' | 'topic' | 'away' | 'back';

const ACTS: ReadonlySet<unknown> = new Set<Act>(['me', 'topic', 'away', 'back']);

/** The content of a token: one or more lines of a message, numbered and signed. It is readable JSON in UTF-8. */
export interface Envelope {
  /** The name that the sender chose. Only `key` identifies the sender. */
  readonly nick: string;
  /** The lines of the message. */
  readonly lines: readonly string[];
  /** The kind of the message, unless it is plain text. */
  readonly act?: Act | undefined;
  /** The name of the room that the message was written for. */
  readonly room: string;
  /** The sender's public key (Ed25519), base64url. */
  readonly key: string;
  /** Identifies the run of the sender's client: 16 bytes, base64url. */
  readonly session: string;
  /** Numbers the envelopes of a session, from 1. */
  readonly counter: number;
  /** The sender's clock in ms since 1970. */
  readonly time: number;
  /** How many envelopes of this session had receipts when the sender sealed this envelope. */
  readonly stored: number;
  /** The entries that the sender has read. Missing if it had not joined a log yet. */
  readonly seen?: ReadRange | undefined;
}

/** What an envelope contains besides its origin. In a group room the signature binds it to the group instead. */
export type MessageContent = Omit<Envelope, 'room' | 'key'>;

/** The maximum number of lines in an envelope. It bounds what a receiver stores besides the bytes. */
export const MAX_LINES = 4096;

/** Creates the error for a message with more lines than `MAX_LINES`. */
export const tooManyLinesError = (count: number): LimitError =>
  new LimitError(`a message of ${count} lines is over the limit of ${MAX_LINES}`);

/** A parsed JSON object. */
export type JsonFields = Readonly<Record<string, unknown>>;

/**
 * Returns the fields of a message for JSON, with those that identify its room and sender in their place.
 *
 * Throws a `LimitError` for too many lines, a `TypeError` if there is no line.
 */
export const formatMessageContent = (
  { nick, lines, act, session, counter, time, stored, seen }: MessageContent,
  origin: JsonFields,
): JsonFields => {
  if (lines.length === 0) throw new TypeError('a message has at least one line');
  if (lines.length > MAX_LINES) throw tooManyLinesError(lines.length);
  const content = lines.length === 1 ? { text: lines[0] } : { lines };
  const range = seen && { seen: formatReadRange(seen) };
  const action = act && { act };
  return {
    kind: 'message',
    nick,
    ...content,
    ...action,
    ...origin,
    session,
    counter,
    time,
    stored,
    ...range,
  };
};

/** Parses the fields of a message, or returns `undefined` if they are not one. Drops unknown fields. */
export const parseMessageContent = (fields: JsonFields): MessageContent | undefined => {
  if (fields['kind'] !== 'message') return undefined;
  const { nick, session, counter, time, stored, text: line } = fields;
  const lines = fields['lines'] ?? [line];
  const seen = fields['seen'] === undefined ? undefined : parseReadRange(fields['seen']);
  const act = ACTS.has(fields['act']) ? (fields['act'] as Act) : undefined;
  return isText(nick) &&
    nick !== '' &&
    Array.from(nick).length <= MAX_NICK_LENGTH &&
    isBase64url(session, 16) &&
    isIntegerBetween(counter, 1, Number.MAX_SAFE_INTEGER) &&
    isIntegerBetween(time, 0, MAX_TIME_MS) &&
    isIntegerBetween(stored, 0, counter - 1) &&
    (fields['seen'] === undefined) === (seen === undefined) &&
    (fields['act'] === undefined || isText(fields['act'])) &&
    Array.isArray(lines) &&
    lines.length > 0 &&
    lines.length <= MAX_LINES &&
    lines.every(isText)
    ? { nick, lines, ...(act && { act }), session, counter, time, stored, ...(seen && { seen }) }
    : undefined;
};

const SIGNATURE_FIELD = /,"signature":"[\w-]{86}"\}$/;
const SIGNATURE_FIELD_LENGTH = ',"signature":""}'.length + 86;

/** Formats fields as JSON that ends with their signature. `sign` signs the bytes before it. */
export const toSignedJson = (fields: JsonFields, sign: (body: Uint8Array) => string): Uint8Array => {
  const body = JSON.stringify(fields).slice(0, -1);
  return encodeText(`${body},"signature":"${sign(encodeText(body))}"}`);
};

/** Parses JSON that ends with a signature, or returns `undefined` for other bytes. Verifies nothing. */
export const parseSignedJson = (
  bytes: Uint8Array,
): { readonly fields: JsonFields; readonly signature: string } | undefined => {
  const text = decodeText(bytes) ?? '';
  const fields = parseJsonObject(text);
  // Taken from the JSON: a match of the pattern is a slice that keeps the whole text in memory.
  const signature = fields?.['signature'];
  return fields !== undefined && SIGNATURE_FIELD.test(text) && isText(signature)
    ? { fields, signature }
    : undefined;
};

/** Returns the bytes that the signature at the end of the JSON covers. */
export const bodyOf = (bytes: Uint8Array): Uint8Array => bytes.subarray(0, -SIGNATURE_FIELD_LENGTH);

/** Returns the message of a signature: a domain that separates it from other signatures of the key, and the body. */
export const signedBytes = (domain: Uint8Array, body: Uint8Array): Uint8Array => {
  const message = new Uint8Array(domain.length + body.length);
  message.set(domain);
  message.set(body, domain.length);
  return message;
};

const isText = (value: unknown): value is string => typeof value === 'string';

/** Returns whether a value is base64url of `length` bytes. */
export const isBase64url = (value: unknown, length: number): value is string =>
  isText(value) && value.length <= 2 * length && fromBase64url(value)?.length === length;

const isIntegerBetween = (value: unknown, from: number, to: number): value is number =>
  Number.isSafeInteger(value) && (value as number) >= from && (value as number) <= to;

/** The latest time of a `Date`, in ms since 1970. */
const MAX_TIME_MS = 8.64e15;

const parseJsonObject = (text: string): Readonly<Record<string, unknown>> | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
};
