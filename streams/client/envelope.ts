import { fromBase64url } from '../wire/base64url.js';
import { LimitError } from '../wire/errors.js';
import { NICK_LIMIT } from '../wire/nick.js';
import type { Verify } from '../wire/signature.js';
import { decodeText, encodeText } from '../wire/utf8.js';
import type { Plaintext } from './cipher.js';
import type { Identity } from './identity.js';
import { padded } from './padding.js';
import { readSeen, type Seen, seenValue } from './seen.js';

/**
 * What a message is besides words: something that its sender does (`me`), what the room is about (`topic`), or that its
 * sender is `away`, or `back`.
 */
export type Act = 'me' | 'topic' | 'away' | 'back';

const ACTS: ReadonlySet<unknown> = new Set<Act>(['me', 'topic', 'away', 'back']);

/**
 * What a token carries: one or more lines that somebody said, numbered and signed. UTF-8 JSON, so that any Fernet tool
 * opens something that a person can read.
 */
export interface Envelope {
  /** A claim; the key is who it is. */
  readonly nick: string;
  /** What was said: one line, or several that were waiting together. */
  readonly lines: readonly string[];
  /** What these lines are, where they are not simply said. */
  readonly act?: Act | undefined;
  /** The name of the room that it is for. */
  readonly room: string;
  /** The sender's public key (Ed25519), base64url. */
  readonly key: string;
  /** Which run of the sender's client said it, and its how-many-eth envelope this is, from 1. */
  readonly session: string;
  readonly counter: number;
  /** When, by the sender's clock, in ms since 1970. */
  readonly time: number;
  /** Up to which envelope of this session the sender had receipts, when it said this. */
  readonly stored: number;
  /** What the sender has read since it last said so; missing where it was sealed before the sender came to a log. */
  readonly seen?: Seen | undefined;
}

/** An envelope with its signature, which is still to be verified. */
export interface SignedEnvelope extends Envelope {
  /** 86 characters of base64url. */
  readonly signature: string;
}

/** The most lines of one envelope: a receiver keeps more of each than its bytes. */
export const LINES_LIMIT = 4096;

/** Describes a message with more lines than `LINES_LIMIT`. */
export const tooManyLines = (count: number): LimitError =>
  new LimitError(`a message of ${count} lines is over the limit of ${LINES_LIMIT}`);

/** What is signed, before the JSON up to the signature: so it is good for nothing else. */
const LABEL = encodeText('rxchat/1 message\n');

const SIGNATURE = /,"signature":"[\w-]{86}"\}$/;
const SIGNATURE_LENGTH = ',"signature":""}'.length + 86;

/** Signs an envelope, and pads it. A `LimitError` where it is too large for a line; a `TypeError` without a line. */
export const encodeEnvelope = (envelope: Envelope, { sign }: Pick<Identity, 'sign'>): Plaintext => {
  const { nick, lines, act, room, key, session, counter, time, stored, seen } = envelope;
  if (lines.length === 0) throw new TypeError('there is no line to say');
  if (lines.length > LINES_LIMIT) throw tooManyLines(lines.length);
  const said = lines.length === 1 ? { text: lines[0] } : { lines };
  const read = seen && { seen: seenValue(seen) };
  const acted = act && { act };
  const fields = {
    kind: 'message',
    nick,
    ...said,
    ...acted,
    room,
    key,
    session,
    counter,
    time,
    stored,
    ...read,
  };
  const body = JSON.stringify(fields).slice(0, -1);
  const signature = sign(messageOf(encodeText(body)));
  return padded(encodeText(`${body},"signature":"${signature}"}`)) as Plaintext;
};

/**
 * Reads an envelope, and says what its signature has to hold for; `undefined` where the bytes are none. Fields that are
 * not known are left out.
 */
export const decodeEnvelope = (plaintext: Plaintext): SignedEnvelope | undefined => {
  const text = decodeText(withoutPadding(plaintext)) ?? '';
  const fields = readObject(text);
  // Its own string: a match is a part of the text, and who remembers it would keep all of the text.
  const signature = fields?.['signature'];
  if (!SIGNATURE.test(text) || !isText(signature) || fields?.['kind'] !== 'message') return undefined;
  const { nick, room, key, session, counter, time, stored, text: line } = fields;
  const lines = fields['lines'] ?? [line];
  const seen = fields['seen'] === undefined ? undefined : readSeen(fields['seen']);
  const act = ACTS.has(fields['act']) ? (fields['act'] as Act) : undefined;
  return isText(nick) &&
    nick !== '' &&
    Array.from(nick).length <= NICK_LIMIT &&
    hasBytes(room, 32) &&
    hasBytes(key, 32) &&
    hasBytes(session, 16) &&
    isBetween(counter, 1, Number.MAX_SAFE_INTEGER) &&
    isBetween(time, 0, LATEST_TIME) &&
    isBetween(stored, 0, counter - 1) &&
    (fields['seen'] === undefined) === (seen === undefined) &&
    (fields['act'] === undefined || isText(fields['act'])) &&
    Array.isArray(lines) &&
    lines.length > 0 &&
    lines.length <= LINES_LIMIT &&
    lines.every(isText)
    ? {
        nick,
        lines,
        ...(act && { act }),
        room,
        key,
        session,
        counter,
        time,
        stored,
        ...(seen && { seen }),
        signature,
      }
    : undefined;
};

/** Whether an envelope that was read from a plaintext is signed by the key that it names. */
export const isSigned = (plaintext: Plaintext, { key, signature }: SignedEnvelope, verify: Verify): boolean =>
  verify(key, messageOf(withoutPadding(plaintext).subarray(0, -SIGNATURE_LENGTH)), signature);

const messageOf = (body: Uint8Array): Uint8Array => {
  const message = new Uint8Array(LABEL.length + body.length);
  message.set(LABEL);
  message.set(body, LABEL.length);
  return message;
};

const SPACE = 0x20;

const withoutPadding = (bytes: Uint8Array): Uint8Array => {
  let end = bytes.length;
  while (bytes[end - 1] === SPACE) end -= 1;
  return bytes.subarray(0, end);
};

const isText = (value: unknown): value is string => typeof value === 'string';

const hasBytes = (value: unknown, length: number): value is string =>
  isText(value) && value.length <= 2 * length && fromBase64url(value)?.length === length;

const isBetween = (value: unknown, from: number, to: number): value is number =>
  Number.isSafeInteger(value) && (value as number) >= from && (value as number) <= to;

/** What a `Date` can hold, in ms. */
const LATEST_TIME = 8.64e15;

const readObject = (text: string): Readonly<Record<string, unknown>> | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
};
