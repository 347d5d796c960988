import { fromBase64url } from '../../wire/encoding.js';
import { isLogId } from '../../wire/fields.js';

/** A range of log entries that a member has read, with hashes. `to` is `from - 1` if the range is empty. */
export interface ReadRange {
  readonly log: string;
  readonly from: number;
  readonly to: number;
  /** The hash of the first part (`splitRange`): 32 bytes, base64url. */
  readonly hash: string;
  /** The hashes of the other parts, if there are any. */
  readonly more?: readonly string[];
}

/** The maximum number of entries in a range. */
export const MAX_RANGE_ENTRIES = 1_048_576;

/** The maximum number of entries in a range of one part. */
export const MAX_PART_ENTRIES = 1024;

/** Longer ranges are split at multiples of this number of entries. */
export const BLOCK_ENTRIES = 64;

/** A part of a range. Both ends are included. */
export interface RangePart {
  readonly from: number;
  readonly to: number;
  /** Whether the part consists of whole blocks. */
  readonly isAligned: boolean;
}

/**
 * Splits a range into parts that have a hash each, so that a member that has read a part can compare it.
 *
 * A range of up to `MAX_PART_ENTRIES` entries is one part. A longer range is split into the longest possible parts of
 * 64, 128, 256 ... entries that follow a multiple of their length. The entries before the first multiple of 64 and after
 * the last are shorter parts.
 */
export const splitRange = (from: number, to: number): readonly RangePart[] => {
  if (to - from < MAX_PART_ENTRIES) return [{ from, to, isAligned: false }];
  const parts: RangePart[] = [];
  for (let start = from; start <= to; start = (parts.at(-1)?.to ?? start) + 1) {
    const toBlockEnd = BLOCK_ENTRIES - ((start - 1) % BLOCK_ENTRIES);
    if (toBlockEnd < BLOCK_ENTRIES || start + BLOCK_ENTRIES - 1 > to) {
      parts.push({ from: start, to: Math.min(to, start + toBlockEnd - 1), isAligned: false });
      continue;
    }
    let length = BLOCK_ENTRIES;
    while ((start - 1) % (2 * length) === 0 && start + 2 * length - 1 <= to) length *= 2;
    parts.push({ from: start, to: start + length - 1, isAligned: true });
  }
  return parts;
};

/** Parses `[log, from, to, hash, ...]`, or returns `undefined` if the value is something else. */
export const parseReadRange = (value: unknown): ReadRange | undefined => {
  if (!Array.isArray(value)) return undefined;
  const [log, from, to, ...rest] = value as readonly unknown[];
  if (typeof log !== 'string' || !isLogId(log) || !isPosition(from) || !isPosition(to)) return undefined;
  if (from < 1 || to < from - 1 || to - from >= MAX_RANGE_ENTRIES) return undefined;
  const [hash, ...more] = rest.slice(0, splitRange(from, to).length).filter(isHash);
  if (hash === undefined || more.length < splitRange(from, to).length - 1) return undefined;
  return { log, from, to, hash, ...(more.length > 0 && { more }) };
};

/** Formats the value that `parseReadRange` parses. */
export const formatReadRange = ({ log, from, to, hash, more = [] }: ReadRange): readonly unknown[] => [
  log,
  from,
  to,
  hash,
  ...more,
];

const isPosition = (value: unknown): value is number => Number.isSafeInteger(value);

const isHash = (value: unknown): value is string =>
  typeof value === 'string' && value.length === 43 && fromBase64url(value) !== undefined;
