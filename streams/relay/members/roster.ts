import type { ErrorCode, ProtocolError } from '../../wire/errors.js';

/** What a roster knows of a member. */
export interface Occupant {
  readonly nick: string;
  readonly session: string;
  /** The owner key that it has proved, by which several connections can share its nick. */
  readonly owner?: string | undefined;
  /** Identifies its connection: two occupants with the same connection are the same. */
  readonly connection: unknown;
}

/**
 * A change of who is in a room, and what is reported beside it.
 *
 * `refused` and `disconnected` change no roster. The other changes are plain data if the member is, so a relay can store
 * them, and other relays apply them.
 */
export type RosterChange<M extends Occupant> =
  | {
      readonly type: 'joined';
      readonly member: M;
      /** Identifies its nick: the folded form, by the relay that decided. */
      readonly key: string;
      /** Its nick was already in the room, by an earlier connection or the same owner. */
      readonly resumed: boolean;
    }
  /** The connection of the member broke; it can resume. */
  | { readonly type: 'away'; readonly member: M }
  /** The session is over, but others share its nick. */
  | { readonly type: 'removed'; readonly member: M }
  /** The session is over, and no member has its nick any more, which was listed as `nick`. */
  | { readonly type: 'left'; readonly member: M; readonly nick: string }
  | { readonly type: 'refused'; readonly member: M; readonly code: ErrorCode; readonly text: string }
  /** The connection of the member has ended, or has to be closed. */
  | {
      readonly type: 'disconnected';
      readonly member: M;
      readonly reason: string;
      readonly error?: Pick<ProtocolError, 'code' | 'message'>;
    };

/** A nick in the room. */
export interface NickSlot {
  /** As its first member spelled it, and as it is announced. */
  readonly nick: string;
  /** The key that a member must have proved to share the nick; without it nobody can. */
  readonly owner: string | undefined;
  /** Never empty. */
  readonly sessions: readonly string[];
}

/** A session in the room, connected or away. */
export interface SessionSlot<M extends Occupant> {
  readonly member: M;
  /** Identifies its nick, as in the change that added it. */
  readonly key: string;
  readonly isAway: boolean;
}

/** A session with what is known of its nick, as plain data if the member is. */
export interface RosterEntry<M extends Occupant> extends SessionSlot<M> {
  readonly nick: string;
  readonly owner: string | undefined;
}

/**
 * The state of who is in a room: nicks, their sessions, and which of these are away.
 *
 * `decideJoin`, `decideLeave` and `decideExpiry` return changes of it. Only `apply` modifies it. It decides nothing, so
 * relays of different versions that apply the same changes have the same roster.
 *
 * @example
 * import { decideJoin } from './decisions.js';
 * import { type Occupant, Roster } from './roster.js';
 *
 * const join = (roster: Roster<Occupant>, member: Occupant) => {
 *   for (const change of decideJoin(roster, member)) roster.apply(change);
 * };
 */
export class Roster<M extends Occupant> {
  // Slots are immutable, so copies share them.
  #slots = new Map<string, NickSlot>();
  #sessions = new Map<string, SessionSlot<M>>();

  constructor(entries: Iterable<RosterEntry<M>> = []) {
    for (const { member, key, isAway, nick, owner } of entries)
      this.#put({ member, key, isAway }, nick, owner);
  }

  /** Number of nicks. */
  get count(): number {
    return this.#slots.size;
  }

  /** Number of sessions. */
  get sessionCount(): number {
    return this.#sessions.size;
  }

  /** The nicks as they are listed, in the order in which they joined. */
  get nicks(): string[] {
    return Array.from(this.#slots.values(), ({ nick }) => nick);
  }

  findNick(key: string): NickSlot | undefined {
    return this.#slots.get(key);
  }

  findSession(id: string): SessionSlot<M> | undefined {
    return this.#sessions.get(id);
  }

  /** Returns the session of a member, unless it has joined again over another connection. */
  findMember(member: Occupant): SessionSlot<M> | undefined {
    const session = this.#sessions.get(member.session);
    return session?.member.connection === member.connection ? session : undefined;
  }

  isConnected(member: Occupant): boolean {
    return this.findMember(member)?.isAway === false;
  }

  /** All sessions, in an order from which the constructor makes an equal roster. */
  *entries(): Generator<RosterEntry<M>, void, undefined> {
    for (const { nick, owner, sessions } of this.#slots.values())
      for (const id of sessions) {
        const session = this.#sessions.get(id);
        if (session !== undefined) yield { ...session, nick, owner };
      }
  }

  copy(): Roster<M> {
    const copy = new Roster<M>();
    copy.#slots = new Map(this.#slots);
    copy.#sessions = new Map(this.#sessions);
    return copy;
  }

  /** Applies a change. A change of a member that is not here, or that was applied before, changes nothing. */
  apply(change: RosterChange<M>): void {
    switch (change.type) {
      case 'joined':
        this.#add(change.member, change.key);
        return;
      case 'away':
        this.#setAway(this.findMember(change.member));
        return;
      case 'left':
      case 'removed':
        this.#remove(this.findMember(change.member));
    }
  }

  #add(member: M, key: string): void {
    const previous = this.#sessions.get(member.session);
    if (previous?.key !== key) this.#remove(previous);
    const { nick, owner } = this.#slots.get(key) ?? member;
    this.#put({ member, key, isAway: false }, nick, owner);
  }

  /** Puts a session behind the others with its nick. */
  #put(session: SessionSlot<M>, nick: string, owner: string | undefined): void {
    const { member, key } = session;
    const others = this.#slots.get(key)?.sessions.filter((id) => id !== member.session);
    const sessions = others === undefined ? [member.session] : [...others, member.session];
    this.#slots.set(key, { nick, owner, sessions });
    this.#sessions.set(member.session, session);
  }

  #setAway(session: SessionSlot<M> | undefined): void {
    if (session === undefined) return;
    const { member, key } = session;
    this.#sessions.set(member.session, { member, key, isAway: true });
  }

  #remove(session: SessionSlot<M> | undefined): void {
    if (session === undefined) return;
    const { member, key } = session;
    this.#sessions.delete(member.session);
    const slot = this.#slots.get(key);
    if (slot === undefined || slot.sessions.length === 1) {
      this.#slots.delete(key);
      return;
    }
    const sessions = slot.sessions.filter((id) => id !== member.session);
    this.#slots.set(key, { nick: slot.nick, owner: slot.owner, sessions });
  }
}
