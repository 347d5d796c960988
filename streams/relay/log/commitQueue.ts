import type { Observable } from 'rxjs';
import { formatAnnouncement } from '../../wire/entry.js';
import type { Sha256 } from '../../wire/fields.js';
import { encodeLine } from '../../wire/encoding.js';
import type { Member } from '../connection/parseCommands.js';
import type { ReadControl } from '../connection/rateLimit.js';
import type { MemberEvent } from '../members/members.js';
import type { Announced } from '../members/presence.js';
import type { Batch, History, StoredLog } from './history.js';
import type { MemoryBudget } from './slabs.js';
import { DEFAULT_WINDOW_BYTES, roomLog, type RoomLog } from './roomLog.js';
import { completeJoin, type JoinedMember } from './completeJoin.js';

export interface CommitQueueOptions {
  /** Creates a log id: random, base64url. */
  readonly logId: () => string;
  /** Stores logs; without it they are in memory only. */
  readonly history?: History | undefined;
  /** Compares what a client has read with what is stored; without it nothing is compared. */
  readonly hash?: Sha256 | undefined;
  /** Bytes of lines that a room keeps in memory; 16 MiB. */
  readonly windowBytes?: number;
  /** Memory limit that all rooms share. */
  readonly budget?: MemoryBudget | undefined;
}

/** Lines of a member are committed: `count` lines of `bytes` bytes. */
export interface LinesStored {
  readonly type: 'stored';
  readonly member: Member;
  readonly count: number;
  readonly bytes: number;
}

/** The store failed: the lines are dropped, and their senders are refused with `storage`. */
export interface NotStored {
  readonly type: 'not-stored';
  readonly room: string;
  readonly reason: string;
}

/** A committed event of a room, in the order of its log. */
export type CommittedEvent =
  Exclude<MemberEvent, { type: 'joined' | 'tokens' }> | JoinedMember | LinesStored | Announced | NotStored;

/** The events up to a commit, in order. */
export interface Committed {
  readonly events: readonly CommittedEvent[];
  /** The log has new entries. */
  readonly grew: boolean;
}

/** The log of a room and the events that wait for its next commit. */
export interface CommitQueue {
  /** Adds an event, and appends its lines, invisible to readers. */
  enqueue(event: MemberEvent | Announced): void;
  /** There are events to commit. */
  readonly isPending: boolean;
  /** Begins a commit of all pending events. Returns what stores them, or `undefined` if there is nothing to store. */
  beginCommit(): Observable<never> | undefined;
  /** Ends the commit: the events are committed, or refused if storing failed. */
  endCommit(failure?: { readonly reason: unknown }): Committed;
  /** Releases the memory budget. */
  close(): void;
}

/** Bytes that can wait for a commit. Above it, reading from senders is paused until the commit ends. */
const MAX_UNCOMMITTED_BYTES = 1_048_576;

const EMPTY_BATCH: Batch = { first: 0, count: 0, slices: [] };

/** A join, and the position of the next entry if all before it is stored. */
type PendingJoin = Extract<MemberEvent, { type: 'joined' }> & { readonly next: number };

/** A pending event; its lines are in the log already. */
type Pending = Exclude<CommittedEvent, { type: 'joined' }> | PendingJoin;

/** Creates the commit queue of a room; the first join opens its log. */
export const commitQueue = (
  room: string,
  { logId, history, hash, windowBytes = DEFAULT_WINDOW_BYTES, budget }: CommitQueueOptions,
): CommitQueue => {
  let store: StoredLog | undefined;
  let log: RoomLog | undefined;
  let pending: Pending[] = [];
  let committing: Pending[] = [];
  let batch = EMPTY_BATCH;
  /** Announcements that were not stored, or came before the log was open; they wait for the next event. */
  const deferred = deferredAnnouncements();
  /** Paused until the commit ends. */
  const pausedReads = new Set<ReadControl>();
  const refusedMembers = new WeakSet<Member>();

  const open = (): RoomLog => {
    store = history?.open(room, logId);
    return roomLog({ id: store?.id ?? logId(), windowBytes, stored: store, budget });
  };

  const refuse = (member: Member): Pending => {
    refusedMembers.add(member);
    return { type: 'refused', member, code: 'storage', text: 'the relay cannot store anything now' };
  };

  const enqueueTokens = ({ member, lines }: Extract<MemberEvent, { type: 'tokens' }>): void => {
    if (log === undefined || refusedMembers.has(member)) return;
    log.append(lines);
    pending.push({ type: 'stored', member, count: lines.count, bytes: lines.bytes.length });
    if (log.uncommittedBytes <= MAX_UNCOMMITTED_BYTES && budget?.isExceeded !== true) return;
    if (pausedReads.has(member.readControl)) return;
    member.readControl.pause();
    pausedReads.add(member.readControl);
  };

  const enqueue = (event: MemberEvent | Announced): void => {
    for (const announced of deferred.takeAll()) enqueue(announced);
    switch (event.type) {
      case 'tokens':
        enqueueTokens(event);
        return;
      case 'announced':
        if (log === undefined) {
          deferred.add(event);
          return;
        }
        log.append({ bytes: encodeLine(formatAnnouncement(event.announcement)), count: 1 });
        break;
      case 'joined':
        try {
          log ??= open();
        } catch (error) {
          pending.push({ type: 'not-stored', room, reason: String(error) }, refuse(event.member));
          return;
        }
        pending.push({ ...event, next: log.end });
        return;
      default:
    }
    pending.push(event);
  };

  /** Returns what is left of an event whose lines were not stored. */
  const withoutLines = (event: Pending): Pending[] => {
    if (event.type === 'announced') deferred.add(event);
    else if (event.type !== 'stored') return [event];
    else if (!refusedMembers.has(event.member)) return [refuse(event.member)];
    return [];
  };

  const toCommitted = (event: Pending): CommittedEvent => {
    if (event.type !== 'joined') return event;
    const { next, ...joined } = event;
    const durability = history?.durability ?? 'memory';
    return completeJoin(joined, { log: log as RoomLog, next, hash, durability });
  };

  return {
    enqueue,
    close: () => {
      log?.close();
    },
    get isPending() {
      return pending.length > 0;
    },
    beginCommit: () => {
      batch = log?.batch() ?? EMPTY_BATCH;
      committing = pending;
      pending = [];
      return batch.count > 0 ? store?.append(batch) : undefined;
    },
    endCommit: (failure) => {
      let grew = batch.count > 0;
      let events = committing;
      committing = [];
      if (failure !== undefined) {
        log?.rollBack();
        grew = false;
        const notStored: Pending = { type: 'not-stored', room, reason: String(failure.reason) };
        // Lines that arrived meanwhile are dropped too, since they follow lost lines.
        events = [notStored, ...events, ...pending].flatMap(withoutLines);
        pending = [];
      }
      if (grew) log?.commit(batch);
      for (const readControl of pausedReads) readControl.resume();
      pausedReads.clear();
      return { events: events.map(toCommitted), grew };
    },
  };
};

/** Above this number, deferred announcements are merged into two without nicks. */
const MAX_NAMED = 16;

/** Announcements that wait for a log that stores them. */
export interface DeferredAnnouncements {
  readonly add: (announced: Announced) => void;
  /** Removes and returns all of them, in order. */
  readonly takeAll: () => readonly Announced[];
}

/** Creates a queue of at most 16 announcements; if there are more, it keeps only their counts. */
export const deferredAnnouncements = (): DeferredAnnouncements => {
  let waiting: Announced[] = [];

  const countOf = (type: 'joined' | 'left'): Announced[] => {
    const count = waiting.reduce(
      (sum, { announcement }) => sum + (announcement.type === type ? announcement.count : 0),
      0,
    );
    return count === 0 ? [] : [{ type: 'announced', announcement: { type, nicks: [], count } }];
  };

  return {
    add: (announced) => {
      waiting.push(announced);
      if (waiting.length > MAX_NAMED) waiting = [...countOf('left'), ...countOf('joined')];
    },
    takeAll: () => waiting.splice(0),
  };
};
