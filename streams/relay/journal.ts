import type { Observable } from 'rxjs';
import { announcementLine } from '../wire/entry.js';
import { entryHash, type Hash } from '../wire/entryHash.js';
import { encodeLine } from '../wire/utf8.js';
import type { Member } from './commands.js';
import type { Resume } from '../wire/resume.js';
import type { Flow } from './flow.js';
import type { Batch, History, StoredLog } from './history.js';
import type { Announced } from './presence.js';
import type { Attendance } from './rollCall.js';
import type { RoomEvent } from './roomEvent.js';
import { DEFAULT_WINDOW, roomLog, type RoomLog } from './roomLog.js';
import { unannounced as notYetAnnounced } from './unannounced.js';
import type { WindowBudget } from './windowBudget.js';

export interface JournalOptions {
  /** A fresh log id: random, base64url. */
  readonly logId: () => string;
  /** Where logs outlive the relay; without it they are in memory alone. */
  readonly history?: History | undefined;
  /** SHA-256, to compare what a client has read with what is stored; without it nothing is compared. */
  readonly hash?: Hash | undefined;
  /** Bytes of lines that a room keeps in memory. */
  readonly window?: number;
  /** What the windows of all rooms may take. */
  readonly budget?: WindowBudget | undefined;
}

/** What happened up to a commit, in order. */
export interface Committed {
  readonly events: readonly RoomEvent[];
  /** Whether the log has grown. */
  readonly grew: boolean;
}

/** A room's log and the events that wait for its next commit. */
export interface Journal {
  /** Takes an event; its lines are appended, and nobody sees them yet. */
  take(event: Attendance | Announced): void;
  /** Whether there is something to commit. */
  readonly isWaiting: boolean;
  /** Begins a commit of all that waits: what stores it, where there is something to store. */
  begin(): Observable<never> | undefined;
  /** Ends it: what is committed, or refused, where there was a reason why it was not stored. */
  end(failure?: { readonly reason: unknown }): Committed;
  /** Nothing comes any more: the log counts no more in the budget. */
  close(): void;
}

/** Bytes that may wait for a commit; who says more meanwhile is not read until it is through. */
const UNCOMMITTED = 1_048_576;

const NOTHING: Batch = { first: 0, count: 0, slices: [] };

/** A join, and the position that the next entry will get if all before it is stored. */
type Joined = Extract<Attendance, { type: 'joined' }> & { readonly next: number };

/** What waits: the lines themselves are in the log already. */
type Waiting = Exclude<RoomEvent, { type: 'joined' }> | Joined;

/** A room's log, opened by the first join, and what waits for its next commit. */
export const journal = (
  room: string,
  { logId, history, hash, window = DEFAULT_WINDOW, budget }: JournalOptions,
): Journal => {
  let store: StoredLog | undefined;
  let log: RoomLog | undefined;
  let waiting: Waiting[] = [];
  /** What is being committed, and its lines. */
  let committing: Waiting[] = [];
  let batch = NOTHING;
  /** Announcements that the store did not take, or that came before there was a log; they wait for the next event. */
  const unannounced = notYetAnnounced();
  /** Who is not read until the commit is through. */
  const unread = new Set<Flow>();
  const refused = new WeakSet<Member>();

  const open = (): RoomLog => {
    store = history?.open(room, logId);
    return roomLog({ id: store?.id ?? logId(), window, stored: store, budget });
  };

  const refuse = (member: Member): Waiting => {
    refused.add(member);
    return { type: 'refused', member, code: 'storage', text: 'the relay cannot store anything now' };
  };

  const takeTokens = ({ member, lines }: Extract<Attendance, { type: 'tokens' }>): void => {
    if (log === undefined || refused.has(member)) return;
    log.append(lines);
    waiting.push({ type: 'stored', member, count: lines.count, bytes: lines.bytes.length });
    if (log.uncommitted <= UNCOMMITTED && budget?.isOver !== true) return;
    if (unread.has(member.flow)) return;
    member.flow.pause();
    unread.add(member.flow);
  };

  const take = (event: Attendance | Announced): void => {
    for (const announced of unannounced.takeAll()) take(announced);
    switch (event.type) {
      case 'tokens':
        takeTokens(event);
        return;
      case 'announced':
        if (log === undefined) {
          unannounced.add(event);
          return;
        }
        log.append({ bytes: encodeLine(announcementLine(event.announcement)), count: 1 });
        break;
      case 'joined':
        try {
          log ??= open();
        } catch (error) {
          waiting.push({ type: 'not-stored', room, reason: String(error) }, refuse(event.member));
          return;
        }
        waiting.push({ ...event, next: log.end });
        return;
      default:
    }
    waiting.push(event);
  };

  /** What is left of an event whose lines were not stored. */
  const withoutLines = (event: Waiting): Waiting[] => {
    if (event.type === 'announced') unannounced.add(event);
    else if (event.type !== 'stored') return [event];
    else if (!refused.has(event.member)) return [refuse(event.member)];
    return [];
  };

  /** Compares the entry that a client has read last with the one at its position here. */
  const compare =
    (opened: RoomLog) =>
    ({ n, hash: claimed, earlier }: Resume): Compared => {
      // Of an announcement the same line may be in another log, even at the same position.
      const before = earlier && compare(opened)({ log: opened.id, ...earlier });
      if (before === 'other') return before;
      if (claimed === undefined || hash === undefined) return 'same';
      if (n >= opened.next) return 'other';
      const line = opened.line(n);
      // A log that is in memory alone cannot have been put back from a backup.
      if (line === undefined) return store === undefined ? 'same' : 'unknown';
      return entryHash(hash(line)) === claimed ? 'same' : 'other';
    };

  /** A join gets its own place in the log: what was said before it is behind `next`, what comes after it is not. */
  const settle = (event: Waiting): RoomEvent => {
    if (event.type !== 'joined') return event;
    const opened = log as RoomLog;
    const { id, first, next: end } = opened;
    const { next: at, ...joined } = event;
    const next = Math.max(first, Math.min(at, end));
    const from = startOf({ id, first, next, compare: compare(opened) }, event.member);
    const { count, members } = event;
    const durability = history?.durability ?? 'memory';
    return {
      ...joined,
      cursor: opened.cursor(from, { borrows: event.member.connection.takesAtOnce }),
      welcome: { log: id, next, first, from, durability, count, members },
    };
  };

  return {
    take,
    close: () => {
      log?.close();
    },
    get isWaiting() {
      return waiting.length > 0;
    },
    begin: () => {
      batch = log?.batch() ?? NOTHING;
      committing = waiting;
      waiting = [];
      return batch.count > 0 ? store?.append(batch) : undefined;
    },
    end: (failure) => {
      let grew = batch.count > 0;
      let events = committing;
      committing = [];
      if (failure !== undefined) {
        log?.rollBack();
        grew = false;
        const notStored: Waiting = { type: 'not-stored', room, reason: String(failure.reason) };
        // What came meanwhile goes too: it stands behind lines that are lost.
        events = [notStored, ...events, ...waiting].flatMap(withoutLines);
        waiting = [];
      }
      if (grew) log?.commit(batch);
      for (const flow of unread) flow.resume();
      unread.clear();
      return { events: events.map(settle), grew };
    },
  };
};

/** `unknown`: the entry is no longer kept, or cannot be read. */
type Compared = 'same' | 'other' | 'unknown';

/** The position a member begins at: after what it has, or with the newest few, or with what comes. */
const startOf = (
  log: Pick<RoomLog, 'id' | 'first' | 'next'> & { readonly compare: (after: Resume) => Compared },
  { after, last }: Member,
): number => {
  if (after === undefined) return Math.max(log.first, log.next - (last ?? 0));
  const compared = after.log === '*' ? 'same' : after.log === log.id ? log.compare(after) : 'other';
  if (compared === 'other') return log.first;
  // A client whose last entry cannot be compared may have missed some: its stream begins with a `GAP` in any case.
  if (compared === 'unknown' && after.n + 1 >= log.first) return after.n;
  return Math.min(after.n + 1, log.next);
};
