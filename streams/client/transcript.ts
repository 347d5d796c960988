import { toBase64url } from '../wire/base64url.js';
import { announcementLine } from '../wire/entry.js';
import { entryHash, type Hash } from '../wire/entryHash.js';
import { encodeText } from '../wire/utf8.js';
import type { Received } from './entries.js';
import { BLOCK, type Part, SEEN_LIMIT, partsOf, type Seen, SPAN_LIMIT } from './seen.js';

/** How many of the newest entries are remembered, in digests: 256 KiB. */
const KEPT = 8192;
const DIGEST = 32;

/** How many of the newest blocks of 64 entries are remembered, in digests: 512 KiB. */
const KEPT_BLOCKS = SPAN_LIMIT / BLOCK;

const NOTHING = new Uint8Array(0);

/** What becomes of what somebody else has read: the same, something else, in another log, or not known any more. */
export type Comparison = 'same' | 'other' | 'other-log' | 'unknown';

/** What a client has read of the room's log, entry by entry. */
export interface Transcript {
  /** Takes what came, before it is opened. */
  read(received: Received | { readonly type: 'offline' | 'renamed' | 'not-renamed' }): void;
  /** What was read since the last claim that everybody got in time; `undefined` before there is a log. */
  claim(): Seen | undefined;
  /** Takes note that a claim of one's own is in the log, at this position. */
  settle(seen: Seen, position: number): void;
  /** Holds what the sender of the entry at `position` says it had read against what was read here. */
  compare(seen: Seen, position: number): Comparison;
  /** The entry at a position, as a `Resume` names it; `undefined` where it was not read or is not remembered. */
  readonly hashAt: (position: number) => string | undefined;
  /** Counts the times that something may have been missed: a gap, another log. */
  readonly breaks: number;
  /** Counts the logs, and what a log was before it lost its end. */
  readonly logs: number;
  /** Counts the connections. */
  readonly connections: number;
  /** The lowest position that this very log was seen to lose and give away anew. */
  readonly lost: number | undefined;
  /** This log was read from its very beginning, without a break. */
  readonly isWhole: boolean;
}

/**
 * Keeps a digest of each of the newest entries, and one of each of the newest blocks, so that members can compare what
 * they read.
 *
 * Each claim begins where the last one ended that came back while others still had what it is about. So the claims of a
 * member together are about all it has read, whatever was put in between.
 *
 * ```text
 * alice reads   1 2 3        4 5 6
 * alice says           [1-3]        [4-6]
 * bob reads     1 2 3   4    5 x 7   8     (relay gave him another 6)
 * bob compares          same         other
 * ```
 *
 * @example
 * import { type Hash, transcript } from 'rxchat/streams';
 *
 * const claimOf = (hash: Hash) => transcript({ hash }).claim(); // undefined: nothing was read
 */
export const transcript = ({ hash, keep = KEPT }: { hash: Hash; keep?: number }): Transcript => {
  const digests = new Uint8Array(keep * DIGEST);
  /** Of the entries from `first` to the end of its block, for members who began near there. */
  const head = new Uint8Array(BLOCK * DIGEST);
  /** By the position of the first entry in each. */
  const blocks = new Map<number, Uint8Array>();
  let log: string | undefined;
  /** All from `first` up to `next` was read without a break; up to `settled` it was claimed. */
  let first = 1;
  let next = 1;
  let settled = 0;
  let breaks = 0;
  let logs = 0;
  let connections = 0;
  let lost: number | undefined;
  /** Entries up to here are read again; those up to `lost` were the same so far. */
  let again: number | undefined;

  const jump = (to: number) => {
    breaks += 1;
    first = next = to;
    settled = to - 1;
    blocks.clear();
  };

  const enter = ({ log: id, from }: Extract<Received, { type: 'welcome' }>) => {
    connections += 1;
    if (id === log && from === next) return;
    again = undefined;
    if (id !== log) lost = undefined;
    else if (from < next) {
      again = next;
      lost = Math.min(from, lost ?? from);
    }
    if (id !== log || from < next) logs += 1;
    log = id;
    jump(from);
  };

  const at = (position: number): number => (position % keep) * DIGEST;
  const isInHead = (position: number): boolean =>
    position >= first && Math.ceil(position / BLOCK) === Math.ceil(first / BLOCK);
  const digestOf = (position: number): Uint8Array => {
    const start = isInHead(position) ? (position % BLOCK) * DIGEST : at(position);
    return (isInHead(position) ? head : digests).subarray(start, start + DIGEST);
  };

  const add = (line: string) => {
    const digest = hash(encodeText(line));
    if (again !== undefined) {
      // As long as it is what it was, nothing of it is lost.
      if (
        next >= again ||
        next < again - keep ||
        !isSame(digest, digests.subarray(at(next), at(next) + DIGEST))
      )
        again = undefined;
      else if (lost === next) lost += 1;
    }
    digests.set(digest, at(next));
    if (isInHead(next)) head.set(digest, (next % BLOCK) * DIGEST);
    next += 1;
    const start = next - BLOCK;
    if (start % BLOCK !== 1 || start < first || keep < BLOCK) return;
    blocks.set(start, hash(joined(start, next - 1)));
    blocks.delete(start - KEPT_BLOCKS * BLOCK);
  };

  /** The digests of entries one after the other. */
  const joined = (from: number, to: number): Uint8Array => {
    const all = new Uint8Array((to - from + 1) * DIGEST);
    for (let n = from; n <= to; n += 1) all.set(digestOf(n), (n - from) * DIGEST);
    return all;
  };

  /** The digests of the blocks from one position to another; `undefined` where one is not remembered. */
  const joinedBlocks = (from: number, to: number): Uint8Array | undefined => {
    const all = new Uint8Array(((to - from + 1) / BLOCK) * DIGEST);
    for (let start = from; start <= to; start += BLOCK) {
      const block = blocks.get(start);
      if (block === undefined) return undefined;
      all.set(block, ((start - from) / BLOCK) * DIGEST);
    }
    return all;
  };

  const isRemembered = (position: number) =>
    position < next && (position >= Math.max(first, next - keep) || isInHead(position));

  const hashOf = ({ from, to, isAligned }: Part): string | undefined => {
    if (from < first || to >= next) return undefined;
    const bytes = isAligned ? joinedBlocks(from, to) : isRemembered(from) ? joined(from, to) : undefined;
    return bytes && toBase64url(hash(bytes));
  };

  /** Where a claim begins. */
  const claimStart = (): number => {
    const from = settled + 1;
    // There is always something to say, be it once more.
    if (from === next) return Math.max(first, next - 1);
    if (next - from <= Math.min(SEEN_LIMIT, keep)) return from;
    if (keep < SEEN_LIMIT) return next - keep;
    // What is long ago others remember by the block.
    const start = Math.max(first, from - ((from - 1) % BLOCK), next - SPAN_LIMIT);
    return isRemembered(start) || (start - 1) % BLOCK === 0 ? start : start + BLOCK - ((start - 1) % BLOCK);
  };

  return {
    read: (received) => {
      switch (received.type) {
        case 'welcome':
          return enter(received);
        case 'token':
          return add(received.token);
        case 'joined':
        case 'left':
          return add(announcementLine(received));
        case 'gap':
          again = undefined;
          return jump(received.to + 1);
        default:
          return undefined;
      }
    },
    claim: () => {
      if (log === undefined) return undefined;
      const from = claimStart();
      const to = next - 1;
      if (to < from) return { log, from, to, hash: toBase64url(hash(NOTHING)) };
      const [only, ...more] = partsOf(from, to).map((part) => hashOf(part) ?? '');
      return { log, from, to, hash: only ?? '', ...(more.length > 0 && { more }) };
    },
    settle: (seen, position) => {
      if (seen.log === log && seen.to < next && position - seen.to <= keep / 2)
        settled = Math.max(settled, seen.to);
    },
    compare: (seen, position) => {
      if (seen.log !== log) return 'other-log';
      // Who says something has read only what was there before.
      if (seen.to >= position) return 'other';
      const claimed = [seen.hash, ...(seen.more ?? [])];
      const known = partsOf(seen.from, seen.to).map((part, n) => ({
        own: hashOf(part),
        claimed: claimed[n],
      }));
      if (known.some(({ own, claimed: theirs }) => own !== undefined && own !== theirs)) return 'other';
      // An empty span agrees with every log, so it shows nothing.
      return seen.from <= seen.to && known.some(({ own }) => own !== undefined) ? 'same' : 'unknown';
    },
    hashAt: (position) => (isRemembered(position) ? entryHash(digestOf(position)) : undefined),
    get breaks() {
      return breaks;
    },
    get logs() {
      return logs;
    },
    get connections() {
      return connections;
    },
    get lost() {
      return lost;
    },
    get isWhole() {
      return first === 1 && lost === undefined;
    },
  };
};

const isSame = (one: Uint8Array, other: Uint8Array): boolean => one.every((byte, n) => byte === other[n]);
