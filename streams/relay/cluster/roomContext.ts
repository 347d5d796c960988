import type { Sha256 } from '../../wire/fields.js';
import type { Member } from '../connection/parseCommands.js';
import type { CommittedEvent } from '../log/commitQueue.js';
import type { MemoryBudget } from '../log/slabs.js';
import { Announcements } from '../members/announcements.js';
import type { RosterLimits } from '../members/decisions.js';
import { LocalMembers } from './localMembers.js';
import type { LocalMember } from './pending.js';
import type { Reservation } from './reservation.js';
import type { RoomEffect, RoomInput } from './roomInput.js';
import { EMPTY_START, type OpenLog, SharedLog } from './sharedLog.js';
import { relayOf, type SharedMember } from './sharedRoster.js';

export interface RoomStateOptions extends Pick<RosterLimits, 'maxRoomMembers' | 'maxConnectionsPerNick'> {
  readonly room: string;
  /** Names this run of the room. */
  readonly writer: string;
  readonly relayId: string;
  readonly durability: 'os' | 'disk';
  readonly maxAgeMs: number;
  readonly reconnectGraceMs: number;
  readonly coalesceMs: number;
  readonly storeTimeoutMs: number;
  /** Time in ms in which a relay that is alive must have been heard. */
  readonly warmUpMs: number;
  readonly budget: MemoryBudget | undefined;
  readonly hash: Sha256 | undefined;
  readonly logId: () => string;
  readonly openLog: OpenLog;
  readonly isAlive: (relayId: string) => boolean;
  readonly toShared: (member: Member) => SharedMember;
}

const STORAGE_TEXT = 'the relay cannot store anything now';

/** What the parts of a room's state share: its log and members, and the effects of the current input. */
export class RoomContext {
  readonly options: RoomStateOptions;
  readonly locals: LocalMembers;
  shared: SharedLog;
  announcements: Announcements = new Announcements();
  /** The reservation of the log, once it was read. */
  reserved: Reservation | undefined;
  now = 0;
  effects: RoomEffect[] = [];
  readonly #refused = new WeakSet<Member>();

  constructor(options: RoomStateOptions) {
    this.options = options;
    this.locals = new LocalMembers(options.toShared);
    this.shared = new SharedLog(EMPTY_START, options.openLog);
  }

  schedule(input: RoomInput, ms: number): void {
    this.effects.push({ type: 'schedule', input, ms });
  }

  emit(events: readonly CommittedEvent[], grew = false): void {
    if (events.length > 0 || grew) this.effects.push({ type: 'emit', committed: { events, grew } });
  }

  readonly isRefused = (member: Member): boolean => this.#refused.has(member);

  /** Refuses members once, because nothing can be stored, and emits the reason before. */
  refuse(members: Iterable<Member>, reason: string): void {
    const events: CommittedEvent[] = [];
    for (const member of members) {
      if (this.#refused.has(member)) continue;
      this.#refused.add(member);
      events.push({ type: 'refused', member, code: 'storage', text: STORAGE_TEXT });
    }
    if (events.length > 0) this.emit([{ type: 'not-stored', room: this.options.room, reason }, ...events]);
  }

  /** Refuses the members whose connections are open, and for which a condition holds. */
  refuseAll(reason: string, isRefused: (local: LocalMember) => boolean = () => true): void {
    const refused = this.locals.open.filter(isRefused);
    this.refuse(
      refused.map(({ member }) => member),
      reason,
    );
  }

  /** Whether a member that the roster counts as connected is not, because its relay or its connection is gone. */
  readonly isAway = ({ connection }: SharedMember): boolean => {
    const relayId = relayOf(connection);
    return relayId === this.options.relayId
      ? !this.locals.isOpen(connection)
      : !this.options.isAlive(relayId);
  };

  /** Removes a member after its grace period, unless it has come back. */
  expire(shared: SharedMember): void {
    this.schedule({ type: 'timer', pending: { type: 'expired', shared } }, this.options.reconnectGraceMs);
  }
}
