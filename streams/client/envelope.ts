import { LimitError } from '../wire/errors.js';
import { decodeText, encodeText } from '../wire/utf8.js';
import type { Plaintext } from './cipher.js';

/**
 * What a token carries: one or more lines that somebody said. UTF-8 JSON, so that any Fernet tool opens something that
 * a person can read.
 */
export interface Envelope {
  readonly nick: string;
  /** Which run of the sender's client said it, and its how-many-eth envelope this is, from 1. */
  readonly session: string;
  readonly counter: number;
  /** When, by the sender's clock, in ms since 1970. */
  readonly time: number;
  /** What was said: one line, or several that were waiting together. */
  readonly lines: readonly string[];
}

/** The most bytes an envelope can have, so that its token still is a line of 64 KiB. */
export const ENVELOPE_LIMIT = 49_087;

/** An envelope as bytes. A `LimitError` where they are more than `ENVELOPE_LIMIT`; a `TypeError` without a line. */
export const encodeEnvelope = ({ lines, ...envelope }: Envelope): Plaintext => {
  if (lines.length === 0) throw new TypeError('there is no line to say');
  const said = lines.length === 1 ? { text: lines[0] } : { lines };
  const bytes = encodeText(JSON.stringify({ kind: 'message', ...envelope, ...said }));
  if (bytes.length > ENVELOPE_LIMIT)
    throw new LimitError(`a message of ${bytes.length} bytes is over the limit of ${ENVELOPE_LIMIT}`);
  return bytes as Plaintext;
};

/** Reads an envelope; `undefined` where the bytes are none. Fields that are not known are left out. */
export const decodeEnvelope = (plaintext: Plaintext): Envelope | undefined => {
  const fields = readObject(plaintext);
  if (fields?.['kind'] !== 'message') return undefined;
  const { nick, session, counter, time, text } = fields;
  const lines = fields['lines'] ?? [text];
  return typeof nick === 'string' &&
    typeof session === 'string' &&
    isBetween(counter, 1, Number.MAX_SAFE_INTEGER) &&
    isBetween(time, 0, LATEST_TIME) &&
    Array.isArray(lines) &&
    lines.length > 0 &&
    lines.every((line) => typeof line === 'string')
    ? { nick, session, counter, time, lines }
    : undefined;
};

const isBetween = (value: unknown, from: number, to: number): value is number =>
  Number.isSafeInteger(value) && (value as number) >= from && (value as number) <= to;

/** What a `Date` can hold, in ms. */
const LATEST_TIME = 8.64e15;

const readObject = (plaintext: Plaintext): Readonly<Record<string, unknown>> | undefined => {
  try {
    const value: unknown = JSON.parse(decodeText(plaintext) ?? '');
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
};
