import type { Member } from '../connection/parseCommands.js';
import type { Roster } from '../members/roster.js';
import type { LocalMember } from './pending.js';
import type { SharedMember } from './sharedRoster.js';

interface Entry extends LocalMember {
  /** Its connection has ended, or it was refused. */
  hasLeft: boolean;
}

/** The members of a room whose connections are at this relay, until they are no longer in its roster. */
export class LocalMembers {
  readonly #byConnection = new Map<string, Entry>();
  readonly #byMember = new Map<Member, Entry>();
  readonly #toShared: (member: Member) => SharedMember;

  constructor(toShared: (member: Member) => SharedMember) {
    this.#toShared = toShared;
  }

  /** Adds a member that wants to join. */
  add(member: Member): LocalMember {
    const entry = { member, shared: this.#toShared(member), hasLeft: false };
    this.#byConnection.set(entry.shared.connection, entry);
    this.#byMember.set(member, entry);
    return entry;
  }

  of(member: Member): LocalMember | undefined {
    return this.#byMember.get(member);
  }

  at(connection: string): LocalMember | undefined {
    return this.#byConnection.get(connection);
  }

  /** Whether a connection is here and open. */
  isOpen(connection: string): boolean {
    return this.#byConnection.get(connection)?.hasLeft === false;
  }

  /** The members whose connections are open. */
  get open(): LocalMember[] {
    return [...this.#byConnection.values()].filter(({ hasLeft }) => !hasLeft);
  }

  /** The connection of a member has ended. */
  onLeave({ shared }: LocalMember, roster: Roster<SharedMember>): void {
    const entry = this.#byConnection.get(shared.connection);
    if (entry !== undefined) entry.hasLeft = true;
    this.forgetIfGone(shared, roster);
  }

  /** Forgets a member whose connection has ended and that is not in the roster. */
  forgetIfGone({ connection }: SharedMember, roster: Roster<SharedMember>): void {
    const entry = this.#byConnection.get(connection);
    if (entry === undefined || !entry.hasLeft || roster.findMember(entry.shared) !== undefined) return;
    this.#byConnection.delete(connection);
    this.#byMember.delete(entry.member);
  }
}
