import { fromBase64url, toBase64url } from '../wire/base64url.js';
import { announcementLine } from '../wire/entry.js';
import { encodeText } from '../wire/utf8.js';
import type { Received } from './entries.js';
import type { Hash } from './identity.js';

/** The entries `from` to `to` of a log, as somebody has read them: `hash` is over the SHA-256 of each, in order. */
export interface Seen {
  readonly log: string;
  readonly from: number;
  readonly to: number;
  /** 32 bytes, base64url. */
  readonly hash: string;
}

/** The most entries that one `Seen` is about. */
export const SEEN_LIMIT = 1024;

/** How many of the newest entries are remembered, in digests: 256 KiB. */
const KEPT = 8192;
const DIGEST = 32;

/** A log's id, as others take it. */
const LOG_ID = /^[\w-]{1,64}$/;

/** What becomes of what somebody else has read: the same, something else, in another log, or not known any more. */
export type Comparison = 'same' | 'other' | 'other-log' | 'unknown';

/** What a client has read of the room's log, entry by entry. */
export interface Transcript {
  /** Takes what came, before it is opened. */
  read(received: Received | { readonly type: 'offline' | 'renamed' | 'not-renamed' }): void;
  /** What was read and not claimed so far, at most `SEEN_LIMIT` entries; `undefined` where that is nothing. */
  claim(): Seen | undefined;
  /** Holds what the sender of the entry at `position` says it had read against what was read here. */
  compare(seen: Seen, position: number): Comparison;
  /** Counts the times that something may have been missed: a gap, another log. */
  readonly breaks: number;
  /** Counts the logs, and what a log was before it lost its end. */
  readonly logs: number;
  /** The lowest position that this very log was seen to lose and give away anew. */
  readonly lost: number | undefined;
  /** This log was read from its very beginning, without a break. */
  readonly isWhole: boolean;
}

/**
 * Keeps a digest of each of the newest entries, so that members can compare what they read.
 *
 * Each claim begins where the last one ended. So the claims of a member together are about all it has read, and none
 * needs a beginning that everybody knows.
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
  let log: string | undefined;
  /** All from `first` up to `next` was read without a break, up to `claimed` it was claimed. */
  let first = 1;
  let next = 1;
  let claimed = 1;
  let breaks = 0;
  let logs = 0;
  let lost: number | undefined;

  const jump = (to: number) => {
    breaks += 1;
    first = next = claimed = to;
  };

  const enter = ({ log: id, from }: Extract<Received, { type: 'welcome' }>) => {
    if (id === log && from === next) return;
    if (id !== log) lost = undefined;
    else if (from < next) lost = Math.min(from, lost ?? from);
    if (id !== log || from < next) logs += 1;
    log = id;
    jump(from);
  };

  const add = (line: string) => {
    digests.set(hash(encodeText(line)), (next % keep) * DIGEST);
    next += 1;
  };

  const hashOf = (from: number, to: number): string => {
    const all = new Uint8Array((to - from + 1) * DIGEST);
    for (let n = from; n <= to; n += 1) {
      const at = (n % keep) * DIGEST;
      all.set(digests.subarray(at, at + DIGEST), (n - from) * DIGEST);
    }
    return toBase64url(hash(all));
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
          return jump(received.to + 1);
        default:
          return undefined;
      }
    },
    claim: () => {
      const from = Math.max(claimed, next - Math.min(SEEN_LIMIT, keep));
      claimed = next;
      return log === undefined || !LOG_ID.test(log) || from === next
        ? undefined
        : { log, from, to: next - 1, hash: hashOf(from, next - 1) };
    },
    compare: (seen, position) => {
      if (seen.log !== log) return 'other-log';
      // Who says something has read only what was there before.
      if (seen.to >= position) return 'other';
      if (seen.from < Math.max(first, next - keep)) return 'unknown';
      return hashOf(seen.from, seen.to) === seen.hash ? 'same' : 'other';
    },
    get breaks() {
      return breaks;
    },
    get logs() {
      return logs;
    },
    get lost() {
      return lost;
    },
    get isWhole() {
      return first === 1 && lost === undefined;
    },
  };
};

/** Reads `[log, from, to, hash]`; `undefined` where it is something else. */
export const readSeen = (value: unknown): Seen | undefined => {
  if (!Array.isArray(value)) return undefined;
  const [log, from, to, hash] = value as readonly unknown[];
  return typeof log === 'string' &&
    LOG_ID.test(log) &&
    typeof from === 'number' &&
    typeof to === 'number' &&
    Number.isSafeInteger(from) &&
    Number.isSafeInteger(to) &&
    from >= 1 &&
    to >= from &&
    to - from < SEEN_LIMIT &&
    typeof hash === 'string' &&
    hash.length === 43 &&
    fromBase64url(hash) !== undefined
    ? { log, from, to, hash }
    : undefined;
};
