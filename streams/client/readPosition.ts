import { advanceResume, type Resume, sharedPosition } from '../wire/fields.js';
import type { Welcome } from '../wire/handshake.js';
import type { LogChanged, MembershipOutput } from './clientEvent.js';

/** Where a client begins to read: after a position, or with some of the newest entries. */
export interface ReadingStart {
  readonly after: Resume | undefined;
  readonly last: number | undefined;
}

/** How far a client has read, over all connections. */
export interface ReadPosition {
  /** Where the next connection begins to read. */
  readonly start: ReadingStart;
  /** Moves to an entry that was read. */
  advanceTo(n: number, entry: { readonly hash: string | undefined; readonly isAnnouncement: boolean }): void;
  /** Moves to another start. */
  moveTo(start: ReadingStart): void;
  /**
   * Returns whether to join again, since the log was restored to a state before what this client has read. The next
   * connection then begins after the last entry that both have.
   */
  readonly joinsAgain: (welcome: Welcome) => boolean;
  /** Moves to where a connection begins. Returns what to report of the log, and whether entries are skipped. */
  onWelcome(welcome: Welcome): readonly MembershipOutput[];
}

/** Creates the read position of a client. `hashAt` returns the hash of an entry that was read, if it is known. */
export const readPosition = (
  first: ReadingStart,
  hashAt: (position: number) => string | undefined,
): ReadPosition => {
  let start = first;
  /** The last entry that was read, if it is beyond what the next log has in common with its ancestor. */
  let replaced: Resume | undefined;

  return {
    get start() {
      return start;
    },
    advanceTo: (n, entry) => {
      start = { after: advanceResume(start.after ?? { log: '', n: 0 }, { n, ...entry }), last: undefined };
    },
    moveTo: (to) => {
      start = to;
    },
    joinsAgain: (welcome) => {
      const lastRead = start.after;
      const shared = sharedPosition(welcome, lastRead?.log);
      if (lastRead === undefined || shared === undefined || replaced !== undefined) return false;
      // Everything that this client has read is there, or nothing of it.
      if (lastRead.n <= shared || welcome.from > shared) return false;
      const [hash, earlier] = [shared, shared - 1].map(hashAt);
      if (hash === undefined) return false;
      replaced = lastRead;
      const named = earlier === undefined ? {} : { earlier: { n: shared - 1, hash: earlier } };
      start = { after: { log: welcome.log, n: shared, hash, ...named }, last: undefined };
      return true;
    },
    onWelcome: (welcome) => {
      const lastRead = start.after?.log === '*' ? undefined : start.after;
      const before = replaced ?? lastRead;
      replaced = undefined;
      const read = lastRead && Math.min(lastRead.n, sharedPosition(welcome, lastRead.log) ?? -1);
      // The relay cannot compare an entry that it no longer stores. It then sends a `GAP` that begins with the entry.
      const isLost = read !== undefined && (read < 0 || (welcome.from <= read && welcome.first <= read));
      const isSame = !isLost && lastRead?.n === welcome.from - 1;
      start = {
        after: { ...(isSame ? lastRead : { n: welcome.from - 1 }), log: welcome.log },
        last: undefined,
      };
      const isSkipped = read !== undefined && !isLost && welcome.from > read + 1;
      return [
        ...describeLogChange(before, welcome, isLost),
        ...(isSkipped ? [{ type: 'gap', from: read + 1, to: welcome.from - 1 } as const] : []),
      ];
    },
  };
};

/** Returns what to report if the log is another one than that of the entry that was read last, or has lost it. */
const describeLogChange = (
  before: Resume | undefined,
  welcome: Welcome,
  isLost: boolean,
): readonly LogChanged[] => {
  const { log } = welcome;
  if (before === undefined || (before.log === log && !isLost)) return [];
  const shared = sharedPosition(welcome, before.log);
  if (isLost || shared === undefined) return [{ type: 'log-changed', log }];
  return [{ type: 'log-changed', log, shared, lost: Math.max(0, before.n - shared) }];
};
