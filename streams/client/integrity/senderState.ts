import { lruMap } from '../../rx/lruMap.js';
import { foldNick } from '../../wire/nick.js';
import type { Envelope } from '../envelope/envelope.js';
import type { AlarmReason, FirstSeen, KeyChanged } from './alarm.js';

/* What an auditor remembers of a sender: the numbers of its envelopes, the envelopes, and its key. */

/** Tracks the numbers of the envelopes of a session. */
export interface Sequence {
  /** How many envelopes have receipts, as the sender attests. */
  readonly stored: number;
  /** Records the attested number of receipts. */
  confirm(stored: number): void;
  /** Records a number. `hadGap` tells whether entries may be missing since the last number. */
  record(counter: number, hadGap: boolean): SequenceCheck;
  /** Returns whether a number of a range is still missing, once for each missing number. */
  reportMissing(from: number, to: number): boolean;
}

/** The result for a number. */
export interface SequenceCheck {
  /** Whether the number was recorded before. */
  readonly isDuplicate: boolean;
  readonly reason?: Extract<AlarmReason, 'hole' | 'reordered' | 'replayed'>;
}

/** Numbers that were skipped. */
interface MissingRange {
  readonly from: number;
  readonly to: number;
  /** Whether a gap may explain them, so that they may follow later. */
  readonly isExcused: boolean;
}

/** How many ranges of missing numbers are remembered. Older numbers count as recorded. */
const MAX_MISSING_RANGES = 16;

/**
 * Checks the order of the envelopes of a session.
 *
 * A sender that does not know whether its last envelopes were stored sends them again. So a late envelope is in order if
 * the sender has not attested its receipt, and if a gap may hide its first occurrence.
 *
 * ```text
 * counter   3   4   7      5           4
 * record    -   -   hole   reordered   duplicate
 * ```
 */
export const sequence = (): Sequence => {
  let highest = 0;
  let stored = 0;
  let missing: readonly MissingRange[] = [];

  return {
    get stored() {
      return stored;
    },
    confirm: (upTo) => {
      stored = Math.max(stored, upTo);
    },
    record: (counter, hadGap) => {
      if (counter > highest) {
        const [from, to] = [highest + 1, counter - 1];
        // The first number of a session may have any predecessors.
        const isExcused = hadGap || highest === 0;
        highest = counter;
        if (to < from) return { isDuplicate: false };
        missing = [...missing, { from, to, isExcused }].slice(-MAX_MISSING_RANGES);
        return isExcused ? { isDuplicate: false } : { isDuplicate: false, reason: 'hole' };
      }
      const range = missing.find(({ from, to }) => from <= counter && counter <= to);
      const isConfirmed = counter <= stored;
      if (range === undefined)
        return isConfirmed ? { isDuplicate: true, reason: 'replayed' } : { isDuplicate: true };
      missing = missing
        .flatMap((each) => (each === range ? splitAround(each, counter) : [each]))
        .slice(-MAX_MISSING_RANGES);
      if (!range.isExcused) return { isDuplicate: false, reason: 'reordered' };
      return isConfirmed ? { isDuplicate: false, reason: 'replayed' } : { isDuplicate: false };
    },
    reportMissing: (from, to) => {
      const overdue = missing.filter((each) => each.isExcused && each.from <= to && each.to >= from);
      missing = missing.map((each) => (overdue.includes(each) ? { ...each, isExcused: false } : each));
      return overdue.length > 0;
    },
  };
};

const splitAround = ({ from, to, isExcused }: MissingRange, counter: number): readonly MissingRange[] =>
  [
    { from, to: counter - 1, isExcused },
    { from: counter + 1, to, isExcused },
  ].filter((each) => each.from <= each.to);

/** Recognizes envelopes that were read before. */
export interface DuplicateFilter {
  /** Records an envelope. Returns whether its name is `new`, or has the `same` or an `other` content on record. */
  readonly check: (name: string, content: string) => 'new' | 'same' | 'other';
}

/**
 * Remembers the `maxEntries` newest envelopes, so that an envelope that was sent twice is shown once.
 *
 * A client that loses its connection does not know whether the relay stored its last tokens, and sends them again. The
 * name of an envelope is its key, session and counter. Its content is its signature, which is the same in each token.
 *
 * ```text
 * name       A     B     A      A
 * content    x     x     x      y
 * check      new   new   same   other
 * ```
 *
 * @example
 * import { duplicateFilter } from './senderState.js';
 *
 * const { check } = duplicateFilter({ maxEntries: 1000 });
 * console.log(check('alice 1', 'x'), check('alice 1', 'x')); // new same
 */
export const duplicateFilter = ({ maxEntries = 8192 }: { maxEntries?: number } = {}): DuplicateFilter => {
  const contentsByName = new Map<string, readonly string[]>();
  /** The order of the entries, oldest first. Deleting at the front of a `Map` takes longer with each deletion. */
  const ring: (readonly [name: string, content: string])[] = [];
  let oldest = 0;

  const forget = ([name, content]: readonly [string, string]) => {
    const remaining = contentsByName.get(name)?.filter((each) => each !== content) ?? [];
    if (remaining.length === 0) contentsByName.delete(name);
    else contentsByName.set(name, remaining);
  };

  return {
    check: (name, content) => {
      const known = contentsByName.get(name) ?? [];
      if (known.includes(content)) return 'same';
      const evicted = ring[oldest];
      if (evicted !== undefined) forget(evicted);
      ring[oldest] = [name, content];
      oldest = (oldest + 1) % maxEntries;
      contentsByName.set(name, [...(contentsByName.get(name) ?? []), content]);
      return known.length > 0 ? 'other' : 'new';
    },
  };
};

/** Tracks which key each nick has. */
export interface TrustOnFirstUse {
  /** Records the sender of a message. Returns `first-seen` or `key-changed` if its key is new. */
  readonly observe: (
    sender: Pick<Envelope, 'nick' | 'key'>,
    position: number,
  ) => readonly (FirstSeen | KeyChanged)[];
}

/** How many nicks are remembered besides the known ones. */
const MAX_NICKS = 4096;

/**
 * Reports the first message of a nick, and each change of its key.
 *
 * Nicks that look alike are one nick (`foldNick`). `knownKeys` maps the nicks of earlier runs to their keys. Of other
 * nicks, the `maxNicks` newest are remembered. A change is reported once: the new key is then the key of the nick.
 *
 * ```text
 * nick, key   bob K1       bob K1   Bob K2        bob K2
 * observe     first-seen   -        key-changed   -
 * ```
 *
 * @example
 * import { trustOnFirstUse } from './senderState.js';
 *
 * const { observe } = trustOnFirstUse({ knownKeys: new Map([['bob', 'K1']]) });
 * console.log(observe({ nick: 'bob', key: 'K2' }, 7)); // [{ type: 'key-changed', ..., before: 'K1' }]
 */
export const trustOnFirstUse = ({
  knownKeys = new Map(),
  maxNicks = MAX_NICKS,
}: {
  knownKeys?: ReadonlyMap<string, string> | undefined;
  maxNicks?: number;
} = {}): TrustOnFirstUse => {
  const knownByNick = new Map([...knownKeys].map(([nick, key]) => [foldNick(nick), key]));
  const seenByNick = lruMap<string, string>(maxNicks);

  return {
    observe: ({ nick, key }, position) => {
      const folded = foldNick(nick);
      const lastKey = seenByNick.get(folded) ?? knownByNick.get(folded);
      seenByNick.set(folded, key);
      if (lastKey === key) return [];
      return lastKey === undefined
        ? [{ type: 'first-seen', position, nick, key }]
        : [{ type: 'key-changed', position, nick, key, before: lastKey }];
    },
  };
};
