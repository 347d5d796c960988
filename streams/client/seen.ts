import { fromBase64url } from '../wire/base64url.js';
import { isLogId } from '../wire/resume.js';

/**
 * The entries `from` to `to` of a log, as somebody has read them. `to` is `from - 1` for somebody who has come to the log
 * and has read nothing of it yet.
 */
export interface Seen {
  readonly log: string;
  readonly from: number;
  readonly to: number;
  /** Over the first of the parts that `partsOf` gives; 32 bytes, base64url. */
  readonly hash: string;
  /** The same over each further part, if there are several. */
  readonly more?: readonly string[];
}

/** The most entries that one `Seen` is about. */
export const SPAN_LIMIT = 1_048_576;

/** Up to so many entries are one part, with one hash. */
export const SEEN_LIMIT = 1024;

/** Longer spans are cut at multiples of this. */
export const BLOCK = 64;

/** Entries of a log, both ends included. */
export interface Part {
  readonly from: number;
  readonly to: number;
  /** It is made of whole blocks. */
  readonly isAligned: boolean;
}

/**
 * The parts that a span is cut into, each with a hash of its own, so that somebody who has read a part of the span can
 * compare that part. Up to `SEEN_LIMIT` entries are one part. Otherwise each part is the longest that ends within the span,
 * has 64, 128, 256 ... entries and begins behind a multiple of its length; up to the first multiple of 64, and behind the
 * last one, there are shorter parts.
 */
export const partsOf = (from: number, to: number): readonly Part[] => {
  if (to - from < SEEN_LIMIT) return [{ from, to, isAligned: false }];
  const parts: Part[] = [];
  for (let start = from; start <= to; start = (parts.at(-1)?.to ?? start) + 1) {
    const toBorder = BLOCK - ((start - 1) % BLOCK);
    if (toBorder < BLOCK || start + BLOCK - 1 > to) {
      parts.push({ from: start, to: Math.min(to, start + toBorder - 1), isAligned: false });
      continue;
    }
    let length = BLOCK;
    while ((start - 1) % (2 * length) === 0 && start + 2 * length - 1 <= to) length *= 2;
    parts.push({ from: start, to: start + length - 1, isAligned: true });
  }
  return parts;
};

/** Reads `[log, from, to, hash, ...]`; `undefined` where it is something else. */
export const readSeen = (value: unknown): Seen | undefined => {
  if (!Array.isArray(value)) return undefined;
  const [log, from, to, ...rest] = value as readonly unknown[];
  if (typeof log !== 'string' || !isLogId(log) || !isPosition(from) || !isPosition(to)) return undefined;
  if (from < 1 || to < from - 1 || to - from >= SPAN_LIMIT) return undefined;
  const [hash, ...more] = rest.slice(0, partsOf(from, to).length).filter(isHash);
  if (hash === undefined || more.length < partsOf(from, to).length - 1) return undefined;
  return { log, from, to, hash, ...(more.length > 0 && { more }) };
};

/** The value that `readSeen` reads. */
export const seenValue = ({ log, from, to, hash, more = [] }: Seen): readonly unknown[] => [
  log,
  from,
  to,
  hash,
  ...more,
];

const isPosition = (value: unknown): value is number => Number.isSafeInteger(value);

const isHash = (value: unknown): value is string =>
  typeof value === 'string' && value.length === 43 && fromBase64url(value) !== undefined;
