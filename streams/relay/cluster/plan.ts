import { encodeLine } from '../../wire/encoding.js';
import { formatAnnouncement } from '../../wire/entry.js';
import { MAX_LISTED_MEMBERS } from '../../wire/handshake.js';
import type { CommittedEvent } from '../log/commitQueue.js';
import type { Announcements } from '../members/announcements.js';
import { decideExpiry, decideJoin, decideLeave, type RosterLimits } from '../members/decisions.js';
import type { MemberEvent } from '../members/members.js';
import { Roster, type RosterChange } from '../members/roster.js';
import type { HandoffId } from './batch.js';
import { type LocalMember, type Pending, sizeOf } from './pending.js';
import type { SharedMember, StoredChange } from './sharedRoster.js';

/** A join, and the number of lines before it in the batch. */
export interface PlannedJoin {
  readonly event: Extract<MemberEvent, { type: 'joined' }>;
  readonly pending: Extract<Pending, { type: 'join' }>;
  readonly linesBefore: number;
}

export type PlannedEvent =
  Exclude<CommittedEvent, { type: 'joined' }> | (PlannedJoin & { readonly type: 'joined' });

/** The state of a room on which a plan is made. */
export interface PlanBase {
  /** Generation of the log. */
  readonly generation: number;
  readonly roster: Roster<SharedMember>;
  readonly announcements: Announcements;
  readonly isSnapshotDue: boolean;
}

/** What a batch will contain and mean, if no other batch comes first. */
export interface Plan {
  /** The pending items that it contains. */
  readonly items: readonly Pending[];
  readonly lines: readonly Uint8Array[];
  readonly lineCount: number;
  readonly changes: readonly StoredChange[];
  readonly handoffs: readonly HandoffId[];
  readonly events: readonly PlannedEvent[];
  /** The state after it. */
  readonly roster: Roster<SharedMember>;
  readonly announcements: Announcements;
  /** The interval in which joins and leaves are coalesced begins with it. */
  readonly startsInterval: boolean;
  /** Generation of the log that begins with it, if one does. */
  readonly newGeneration: number | undefined;
  /** It is appended for its snapshot, if for nothing else. */
  readonly needsSnapshot: boolean;
}

export interface PlanOptions extends RosterLimits<SharedMember> {
  readonly maxBytes: number;
  /** Returns the connection at this relay, if it is one. */
  readonly localOf: (connection: string) => LocalMember | undefined;
  /** Whether the lines of a handoff are in the log already. */
  readonly isTaken: (handoff: HandoffId) => boolean;
}

/**
 * Plans the next batch: decides what the pending items mean for the state of the room, in order.
 *
 * Takes as many items as fit, at least one. The state is not modified, since another relay may append first: then nothing of
 * the plan was visible, and the same items are planned again.
 */
export const planBatch = (pending: readonly Pending[], base: PlanBase, options: PlanOptions): Plan => {
  const planner = new Planner(base, options);
  let bytes = 0;
  let count = 0;
  for (const item of pending) {
    bytes += sizeOf(item);
    if (count > 0 && bytes > options.maxBytes) break;
    planner.add(item);
    count += 1;
  }
  return { items: pending.slice(0, count), ...planner.result() };
};

class Planner {
  readonly #options: PlanOptions;
  #roster: Roster<SharedMember>;
  #announcements: Announcements;
  /** The state is a copy. */
  #isCopied = false;
  readonly #lines: Uint8Array[] = [];
  #lineCount = 0;
  readonly #changes: StoredChange[] = [];
  readonly #handoffs: HandoffId[] = [];
  readonly #events: PlannedEvent[] = [];
  #startsInterval = false;
  #newGeneration: number | undefined;
  #needsSnapshot = false;
  readonly #base: PlanBase;

  constructor(base: PlanBase, options: PlanOptions) {
    const { roster, announcements } = base;
    this.#base = base;
    this.#roster = roster;
    this.#announcements = announcements;
    this.#options = options;
  }

  result(): Omit<Plan, 'items'> {
    return {
      lines: this.#lines,
      lineCount: this.#lineCount,
      changes: this.#changes,
      handoffs: this.#handoffs,
      events: this.#events,
      roster: this.#roster,
      announcements: this.#announcements,
      startsInterval: this.#startsInterval,
      newGeneration: this.#newGeneration,
      needsSnapshot: this.#needsSnapshot,
    };
  }

  add(item: Pending): void {
    switch (item.type) {
      case 'join':
        this.#perform(decideJoin(this.#roster, item.local.shared, this.#options), item);
        break;
      case 'leave':
        this.#perform(decideLeave(this.#roster, item.local.shared, item.reason, item.error));
        break;
      case 'expired':
        this.#perform(decideExpiry(this.#roster, item.shared, this.#options));
        break;
      case 'coalesced':
        this.#copy();
        if (this.#announcements.endInterval()) this.#startInterval();
        break;
      case 'lost':
        if (item.generation >= (this.#newGeneration ?? this.#base.generation))
          this.#newGeneration = item.generation + 1;
        break;
      case 'snapshot':
        this.#needsSnapshot = this.#base.isSnapshotDue;
        break;
      case 'flush':
        this.#copy();
        this.#flush();
        break;
      case 'handoff':
        this.#addHandoff(item);
        break;
      default:
        if (this.#roster.isConnected(item.local.shared)) this.#addFromMember(item);
    }
  }

  #copy(): void {
    if (this.#isCopied) return;
    this.#isCopied = true;
    this.#roster = this.#roster.copy();
    this.#announcements = this.#announcements.copy();
  }

  #isTaken({ writer, number }: HandoffId): boolean {
    const isHere = this.#handoffs.some((each) => each.writer === writer && each.number === number);
    return isHere || this.#options.isTaken({ writer, number });
  }

  #append(bytes: Uint8Array, count: number): void {
    this.#lines.push(bytes);
    this.#lineCount += count;
  }

  #addFromMember(item: Extract<Pending, { type: 'tokens' | 'ping' | 'idle' }>): void {
    const { member } = item.local;
    if (item.type !== 'tokens') {
      this.#events.push({ type: item.type === 'ping' ? 'pinged' : 'idle', member });
      return;
    }
    const { lines, handoff } = item;
    if (this.#announcements.hasPendingJoin(member.nick)) {
      this.#copy();
      this.#flush();
    }
    if (handoff !== undefined && !this.#isTaken(handoff)) this.#handoffs.push(handoff);
    this.#append(lines.bytes, lines.count);
    this.#events.push({ type: 'stored', member, count: lines.count, bytes: lines.bytes.length });
  }

  #addHandoff({ id, parts }: Extract<Pending, { type: 'handoff' }>): void {
    if (this.#isTaken(id)) return;
    this.#handoffs.push(id);
    for (const { session, connection, lines } of parts) {
      const found = this.#roster.findSession(session);
      if (found?.member.connection === connection && !found.isAway) this.#append(lines.bytes, lines.count);
    }
  }

  #perform(changes: readonly RosterChange<SharedMember>[], join?: Extract<Pending, { type: 'join' }>): void {
    for (const change of changes) {
      this.#copy();
      this.#roster.apply(change);
      if (change.type !== 'refused' && change.type !== 'disconnected') this.#changes.push(change);
      this.#report(change, join);
    }
    if (changes.length > 0 && this.#announcements.beginInterval()) this.#startInterval();
  }

  #startInterval(): void {
    this.#startsInterval = true;
    this.#flush();
  }

  #flush(): void {
    for (const announcement of this.#announcements.flush(this.#roster.count)) {
      this.#append(encodeLine(formatAnnouncement(announcement)), 1);
      this.#events.push({ type: 'announced', announcement });
    }
  }

  #report(change: RosterChange<SharedMember>, join?: Extract<Pending, { type: 'join' }>): void {
    const member = this.#options.localOf(change.member.connection)?.member;
    switch (change.type) {
      case 'joined':
        if (!change.resumed) this.#announcements.addJoin(change.member.nick);
        if (join !== undefined) this.#reportJoin(join, change.resumed);
        return;
      case 'left':
        this.#announcements.addLeave(change.nick);
        if (member !== undefined)
          this.#events.push({ type: 'left', member: { ...member, nick: change.nick } });
        return;
      case 'refused':
        if (member !== undefined)
          this.#events.push({ type: 'refused', member, code: change.code, text: change.text });
        return;
      case 'disconnected':
        if (member !== undefined) {
          const { type, reason, error } = change;
          this.#events.push({ type, member, reason, ...(error && { error }) });
        }
        return;
      default:
    }
  }

  #reportJoin(pending: Extract<Pending, { type: 'join' }>, resumed: boolean): void {
    const { count, nicks } = this.#roster;
    const members = count <= MAX_LISTED_MEMBERS ? nicks : undefined;
    const { member } = pending.local;
    const event = { type: 'joined', member, resumed, count, members } as const;
    this.#events.push({ type: 'joined', event, pending, linesBefore: this.#lineCount });
  }
}
