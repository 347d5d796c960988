import { catchError, concat, defer, EMPTY, from, mergeMap, type Observable, of, reduce } from 'rxjs';
import { type Ancestor, entryHash, type Resume, type Sha256, sharedPosition } from '../../wire/fields.js';
import type { Member } from '../connection/parseCommands.js';
import type { PendingRead } from './history.js';

export interface StartOptions {
  readonly log: {
    readonly id: string;
    /** The logs that this one continues, newest first. */
    readonly ancestors?: readonly Ancestor[];
    readonly first: number;
    readonly next: number;
    line(position: number): Uint8Array | PendingRead | undefined;
  };
  /** Position of the first entry after the join. */
  readonly next: number;
  /** Hashes entries, to compare what the member has read; without it nothing is compared. */
  readonly hash: Sha256 | undefined;
  /** The log has a store behind it. */
  readonly isStored: boolean;
}

/** Returns where a member starts reading: after its last entry, with the newest entries, or with the next one. */
export const startPosition = (
  { after, last }: Pick<Member, 'after' | 'last'>,
  options: StartOptions,
): number => {
  const { log, next } = options;
  if (after === undefined) return Math.max(log.first, next - (last ?? 0));
  const shared =
    after.log === '*' ? Infinity : sharedPosition({ log: log.id, ancestors: log.ancestors }, after.log);
  // An entry beyond what this log shares with its ancestor is not in this log.
  const isComparable = shared !== undefined && (after.n <= shared || after.hash === undefined);
  const compared = isComparable ? compare(after, options) : 'other';
  if (compared === 'other') return log.first;
  // A client whose last entry cannot be compared may have missed some, so its stream begins with a `GAP` in any case.
  if (compared === 'unknown' && after.n + 1 >= log.first) return after.n;
  return Math.min(after.n + 1, (shared ?? 0) + 1, next);
};

/** Compares the entry that a client read last with the stored one; `unknown` if that is gone or cannot be read. */
const compare = (
  { n, hash: claimed, earlier }: Resume,
  options: StartOptions,
): 'same' | 'other' | 'unknown' => {
  const { log, hash, isStored } = options;
  // Another log can have the same announcement, even at the same position.
  const before = earlier && compare({ log: log.id, ...earlier }, options);
  if (before === 'other') return before;
  if (claimed === undefined || hash === undefined) return 'same';
  if (n >= log.next) return 'other';
  const line = log.line(n);
  // A log in memory only cannot have been restored from a backup.
  if (line === undefined || 'ready$' in line) return isStored ? 'unknown' : 'same';
  return entryHash(hash(line)) === claimed ? 'same' : 'other';
};

/**
 * Reads the entries that `startPosition` compares, from a log that may have to fetch them.
 *
 * Emits copies of them by position and completes, within the subscribing call if nothing has to be fetched. Entries that
 * cannot be read are missing.
 */
export const fetchComparedEntries = (
  log: Pick<StartOptions['log'], 'id' | 'line'>,
  after: Resume | undefined,
): Observable<ReadonlyMap<number, Uint8Array>> => {
  const compared = after?.log === log.id ? [after, after.earlier] : [];
  return from(compared).pipe(
    mergeMap((entry) => (entry?.hash === undefined ? EMPTY : fetchEntry(log, entry.n))),
    reduce((entries, [position, line]) => entries.set(position, line), new Map<number, Uint8Array>()),
  );
};

const fetchEntry = (
  log: Pick<StartOptions['log'], 'line'>,
  position: number,
): Observable<readonly [number, Uint8Array]> =>
  defer(() => {
    const line = log.line(position);
    if (line === undefined) return EMPTY;
    if ('ready$' in line) return concat(line.ready$, fetchEntry(log, position));
    return of([position, line.slice()] as const);
  }).pipe(catchError(() => EMPTY));
