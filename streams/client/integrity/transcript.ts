import { encodeText, toBase64url } from '../../wire/encoding.js';
import type { Control } from '../../wire/control.js';
import { type Announcement, formatAnnouncement } from '../../wire/entry.js';
import { type Ancestor, entryHash, type Sha256, sharedPosition } from '../../wire/fields.js';
import type { Welcome } from '../../wire/handshake.js';
import {
  BLOCK_ENTRIES,
  MAX_PART_ENTRIES,
  MAX_RANGE_ENTRIES,
  type RangePart,
  type ReadRange,
  splitRange,
} from '../envelope/readRange.js';

/** How many of the newest entries have a digest in memory: 256 KiB. */
const MAX_DIGESTS = 8192;
const DIGEST_BYTES = 32;

/** How many of the newest blocks of 64 entries have a digest in memory: 512 KiB. */
const MAX_BLOCKS = MAX_RANGE_ENTRIES / BLOCK_ENTRIES;

/**
 * How the range of another member compares: equal, different, of entries without a digest, or of another log. A range
 * that goes beyond what this log shares with an ancestor is of another log.
 */
export type Comparison = 'same' | 'other' | 'other-log' | 'unknown';

/** What a connection emits. Only `welcome`, entries and `gap` change the transcript. */
export type TranscriptInput =
  | ({ readonly type: 'welcome' } & Pick<Welcome, 'log' | 'from' | 'ancestors'>)
  | ((Announcement | { readonly type: 'token'; readonly token: string }) & { readonly position: number })
  | Exclude<Control, { type: 'err' }>
  | { readonly type: 'greeting' | 'offline' | 'renamed' | 'rename-rejected' };

/** The digests of the entries that a client has read. */
export interface Transcript {
  /** Records an entry, a gap or a welcome, before tokens are opened. */
  read(received: TranscriptInput): void;
  /** Returns the range that was read since the last confirmed summary, or `undefined` before the first log. */
  summary(): ReadRange | undefined;
  /** Records that earlier tokens of the log could not be opened, so that messages may be missing. */
  readonly recordUnreadable: () => void;
  /** Records that a summary of this client is in the log at a position. */
  confirm(range: ReadRange, position: number): void;
  /** Compares the range that the sender of the entry at `position` attests to with what was read here. */
  compare(range: ReadRange, position: number): Comparison;
  /** Returns the hash of an entry for a `Resume`, or `undefined` if the entry has no digest in memory. */
  readonly hashAt: (position: number) => string | undefined;
  /**
   * Returns the age of a log: 0 for the present one, 1 for its newest ancestor, and so on. Returns `undefined` for a log
   * that the present one does not continue.
   */
  readonly ageOf: (log: string) => number | undefined;
  /** Returns the age of the log to which the entry at a position was written first. */
  readonly ageAt: (position: number) => number;
  /** Counts the gaps and the changes of the log: entries may be missing after each. */
  readonly gapCount: number;
  /** Counts the logs. A log that lost its end counts again. */
  readonly logEpoch: number;
  /** Counts the connections. */
  readonly connectionCount: number;
  /** The lowest position whose entry this log has lost and replaced. */
  readonly lostFrom: number | undefined;
  /** Whether this log was read from its first entry on, without a gap and without unreadable messages. */
  readonly isComplete: boolean;
}

/**
 * Keeps digests of the newest entries and of the newest blocks of 64 entries, to compare them with other members.
 *
 * Each summary begins after the last summary that came back in time for the others to compare it. So the summaries of a
 * member together cover all entries it has read.
 *
 * ```text
 * alice reads    1 2 3        4 5 6
 * alice sends           [1-3]        [4-6]
 * bob reads      1 2 3   4    5 x 7   8     (the relay sent bob another 6)
 * bob compares           same         other
 * ```
 *
 * @example
 * import type { Sha256 } from 'rxchat/streams';
 * import { transcript } from './transcript.js';
 *
 * const rangeOf = (hash: Sha256) => transcript({ hash }).summary(); // undefined: nothing was read
 */
export const transcript = ({
  hash,
  maxDigests = MAX_DIGESTS,
}: {
  hash: Sha256;
  maxDigests?: number;
}): Transcript => {
  const digests = new Uint8Array(maxDigests * DIGEST_BYTES);
  /** The digests from `first` to the end of its block, for members that began in the same block. */
  const head = new Uint8Array(BLOCK_ENTRIES * DIGEST_BYTES);
  /** The digests of blocks, by the position of their first entry. */
  const blocks = new Map<number, Uint8Array>();
  let log: string | undefined;
  let ancestors: readonly Ancestor[] = [];
  /** The entries from `first` to before `next` were read without a gap. */
  let first = 1;
  let next = 1;
  let confirmedUpTo = 0;
  let gapCount = 0;
  let logEpoch = 0;
  let connectionCount = 0;
  let lostFrom: number | undefined;
  let hasUnreadable = false;
  /** Entries before this position are read again. Those before `lostFrom` were the same so far. */
  let rereadUntil: number | undefined;

  const restartAt = (to: number) => {
    gapCount += 1;
    first = next = to;
    confirmedUpTo = to - 1;
    blocks.clear();
  };

  const onWelcome = (welcome: Pick<Welcome, 'log' | 'from' | 'ancestors'>) => {
    connectionCount += 1;
    const { log: id, from } = welcome;
    /** What was read is in this log, too. */
    const isContinued = next - 1 <= (sharedPosition(welcome, log) ?? -1);
    if (id === log && from === next) return;
    rereadUntil = undefined;
    if (id !== log) {
      lostFrom = undefined;
      hasUnreadable &&= isContinued;
    } else if (from < next) {
      rereadUntil = next;
      lostFrom = Math.min(from, lostFrom ?? from);
    }
    if (id !== log || from < next) logEpoch += 1;
    log = id;
    ancestors = welcome.ancestors ?? [];
    if (!isContinued || from !== next) restartAt(from);
  };

  const offsetOf = (position: number): number => (position % maxDigests) * DIGEST_BYTES;
  const isInHead = (position: number): boolean =>
    position >= first && Math.ceil(position / BLOCK_ENTRIES) === Math.ceil(first / BLOCK_ENTRIES);
  const digestOf = (position: number): Uint8Array => {
    const start = isInHead(position) ? (position % BLOCK_ENTRIES) * DIGEST_BYTES : offsetOf(position);
    return (isInHead(position) ? head : digests).subarray(start, start + DIGEST_BYTES);
  };

  const append = (line: string) => {
    const digest = hash(encodeText(line));
    // The log was restored after the entry before this one: messages that senders know as stored may be missing.
    if (ancestors.some(({ n }) => n === next - 1)) gapCount += 1;
    if (rereadUntil !== undefined) {
      // An entry that is the same again is not lost.
      if (
        next >= rereadUntil ||
        next < rereadUntil - maxDigests ||
        digest.some((byte, n) => byte !== digests[offsetOf(next) + n])
      )
        rereadUntil = undefined;
      else if (lostFrom === next) lostFrom += 1;
    }
    digests.set(digest, offsetOf(next));
    if (isInHead(next)) head.set(digest, (next % BLOCK_ENTRIES) * DIGEST_BYTES);
    next += 1;
    const start = next - BLOCK_ENTRIES;
    if (start % BLOCK_ENTRIES !== 1 || start < first || maxDigests < BLOCK_ENTRIES) return;
    blocks.set(start, hash(joinDigests(start, next - 1)));
    blocks.delete(start - MAX_BLOCKS * BLOCK_ENTRIES);
  };

  /** Concatenates the digests of entries. */
  const joinDigests = (from: number, to: number): Uint8Array => {
    const all = new Uint8Array((to - from + 1) * DIGEST_BYTES);
    for (let n = from; n <= to; n += 1) all.set(digestOf(n), (n - from) * DIGEST_BYTES);
    return all;
  };

  /** Concatenates the digests of blocks, or returns `undefined` if one is not in memory. */
  const joinBlockDigests = (from: number, to: number): Uint8Array | undefined => {
    const all = new Uint8Array(((to - from + 1) / BLOCK_ENTRIES) * DIGEST_BYTES);
    for (let start = from; start <= to; start += BLOCK_ENTRIES) {
      const block = blocks.get(start);
      if (block === undefined) return undefined;
      all.set(block, ((start - from) / BLOCK_ENTRIES) * DIGEST_BYTES);
    }
    return all;
  };

  const hasDigest = (position: number) =>
    position < next && (position >= Math.max(first, next - maxDigests) || isInHead(position));

  const hashOf = ({ from, to, isAligned }: RangePart): string | undefined => {
    if (from < first || to >= next || !(isAligned || hasDigest(from))) return undefined;
    const bytes = isAligned ? joinBlockDigests(from, to) : joinDigests(from, to);
    return bytes && toBase64url(hash(bytes));
  };

  /** Returns the first position of the next summary. */
  const summaryStart = (): number => {
    const from = confirmedUpTo + 1;
    // Without a new entry the last entry is attested to again.
    if (from === next) return Math.max(first, next - 1);
    if (next - from <= Math.min(MAX_PART_ENTRIES, maxDigests)) return from;
    if (maxDigests < MAX_PART_ENTRIES) return next - maxDigests;
    // Other members remember old entries by the block.
    const start = Math.max(first, from - ((from - 1) % BLOCK_ENTRIES), next - MAX_RANGE_ENTRIES);
    return hasDigest(start) || (start - 1) % BLOCK_ENTRIES === 0
      ? start
      : start + BLOCK_ENTRIES - ((start - 1) % BLOCK_ENTRIES);
  };

  return {
    read: (received) => {
      switch (received.type) {
        case 'welcome':
          return onWelcome(received);
        case 'token':
          return append(received.token);
        case 'joined':
        case 'left':
          return append(formatAnnouncement(received));
        case 'gap':
          rereadUntil = undefined;
          return restartAt(received.to + 1);
        default:
          return undefined;
      }
    },
    summary: () => {
      if (log === undefined) return undefined;
      const from = summaryStart();
      const to = next - 1;
      if (to < from) return { log, from, to, hash: toBase64url(hash(new Uint8Array(0))) };
      const [only, ...more] = splitRange(from, to).map((part) => hashOf(part) ?? '');
      return { log, from, to, hash: only ?? '', ...(more.length > 0 && { more }) };
    },
    recordUnreadable: () => {
      hasUnreadable = true;
      gapCount += 1;
    },
    confirm: (range, position) => {
      if (range.log === log && range.to < next && position - range.to <= maxDigests / 2)
        confirmedUpTo = Math.max(confirmedUpTo, range.to);
    },
    compare: (range, position) => {
      const shared = log === undefined ? undefined : sharedPosition({ log, ancestors }, range.log);
      if (shared === undefined) return 'other-log';
      const isShared = range.to <= shared;
      // A sender can only have read the entries before its own.
      if (range.to >= position && isShared) return 'other';
      const hashes = [range.hash, ...(range.more ?? [])];
      const parts = splitRange(range.from, range.to).map((part, n) => ({
        own: part.to <= shared ? hashOf(part) : undefined,
        attested: hashes[n],
      }));
      if (parts.some(({ own, attested }) => own !== undefined && own !== attested)) return 'other';
      if (!isShared) return 'other-log';
      // An empty range agrees with every log.
      return range.from <= range.to && parts.some(({ own }) => own !== undefined) ? 'same' : 'unknown';
    },
    hashAt: (position) => (hasDigest(position) ? entryHash(digestOf(position)) : undefined),
    ageOf: (id) => {
      const index = ancestors.findIndex((each) => each.log === id);
      if (id === log) return 0;
      return index === -1 ? undefined : index + 1;
    },
    ageAt: (position) => ancestors.filter(({ n }) => position <= n).length,
    get gapCount() {
      return gapCount;
    },
    get logEpoch() {
      return logEpoch;
    },
    get connectionCount() {
      return connectionCount;
    },
    get lostFrom() {
      return lostFrom;
    },
    get isComplete() {
      return first === 1 && lostFrom === undefined && !hasUnreadable;
    },
  };
};
