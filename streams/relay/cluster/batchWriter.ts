import type { CommittedEvent } from '../log/commitQueue.js';
import type { RoomBatch } from './batch.js';
import { Handoffs, relayOfWriter } from './handoffs.js';
import { commitPlan, formatPlan, needsBatch } from './commitPlan.js';
import { type LocalMember, maxBatchBytes, memberOf, type Pending } from './pending.js';
import { type AppendAnswer, PendingAppend } from './pendingAppend.js';
import { PendingQueue } from './pendingQueue.js';
import { type Plan, planBatch } from './plan.js';
import type { RelayMessage } from './relayMessage.js';
import type { RoomContext } from './roomContext.js';
import type { RoomInput } from './roomInput.js';

/** Number of lost races after which a relay asks the last writer to pause. */
const MAX_LOST_RACES = 2;

/**
 * Writes the batches of a room: plans what is pending, appends it, and commits it once it is read back.
 *
 * One batch is under way at a time. If another relay comes first, the same items are planned again.
 */
export class BatchWriter {
  readonly #context: RoomContext;
  readonly #pending: PendingQueue;
  readonly #handoffs: Handoffs;
  #inFlight: PendingAppend | undefined;
  #number = 0;
  #isAwaitingTick = false;
  #lostRaces = 0;
  /** Whether the room is read, or was read, to its end before members are refused. */
  #refusalCheck: 'none' | 'requested' | 'done' = 'none';
  /** Whether the room was read to its end, so that batches can be appended. */
  isOpen = false;

  constructor(context: RoomContext) {
    this.#context = context;
    this.#pending = new PendingQueue(context.options.budget);
    this.#handoffs = new Handoffs(context.options.writer);
  }

  /** Whether nothing waits. */
  get isIdle(): boolean {
    return this.#pending.isEmpty && !this.#isBusy;
  }

  get #isBusy(): boolean {
    return this.#inFlight !== undefined || this.#handoffs.isOutstanding;
  }

  add(item: Pending): void {
    this.#pending.add(item);
    this.kick();
  }

  /** Plans a batch at the end of the tick, if something waits. */
  kick(): void {
    if (this.#isAwaitingTick || !this.isOpen || this.#isBusy || this.#pending.isEmpty) return;
    this.#isAwaitingTick = true;
    const pauseMs = this.#handoffs.pauseMs(this.#context.now);
    if (pauseMs > 0) this.#context.schedule({ type: 'tick-ended' }, pauseMs);
    else this.#context.effects.push({ type: 'await-tick' });
  }

  onTickEnd(): void {
    this.#isAwaitingTick = false;
    if (!this.isOpen || this.#isBusy) return;
    this.#fetchEntries();
    const { ready } = this.#pending;
    if (ready.length === 0 || this.#handOver(ready)) return;
    const { shared, announcements, locals, isAway, options } = this.#context;
    const { roster, isSnapshotDue } = shared;
    const { generation } = shared.chain;
    const plan = planBatch(
      ready,
      { generation, roster, announcements, isSnapshotDue },
      {
        maxBytes: maxBatchBytes(this.#lostRaces),
        localOf: (connection) => locals.at(connection),
        isTaken: this.#handoffs.isTaken,
        isAway,
        maxRoomMembers: options.maxRoomMembers,
        maxConnectionsPerNick: options.maxConnectionsPerNick,
      },
    );
    const isAppended = needsBatch(plan);
    if (!isAppended && this.#isRefusalUnchecked(plan)) return;
    this.#refusalCheck = 'none';
    this.#pending.take(plan.items);
    if (isAppended) this.#begin(plan);
    else this.#commit(plan, shared.chain.next, false);
  }

  /** Returns whether a plan refuses members by a state that may be out of date, and requests what is missing. */
  #isRefusalUnchecked({ events }: Plan): boolean {
    if (this.#refusalCheck === 'done' || !events.some(({ type }) => type === 'refused')) return false;
    if (this.#refusalCheck === 'none') this.#context.effects.push({ type: 'request' });
    this.#refusalCheck = 'requested';
    return true;
  }

  /** Requests the entries that joins have to be compared with. */
  #fetchEntries(): void {
    const { log } = this.#context.shared;
    if (log === undefined) return;
    for (const { local } of this.#pending.newJoins) {
      if (local.member.after?.hash === undefined) continue;
      this.#pending.hold(local);
      this.#context.effects.push({ type: 'fetch', local, log });
    }
  }

  /** The entries of a join are here. */
  release(input: Extract<RoomInput, { type: 'fetched' }>): void {
    this.#pending.release(input.local, input.entries);
    this.kick();
  }

  #begin(plan: Plan): void {
    this.#number += 1;
    const formatted = formatPlan(this.#context, plan, this.#number);
    this.#inFlight = new PendingAppend(this.#context, { number: this.#number, plan, ...formatted });
  }

  onAnswer(answer: AppendAnswer): void {
    if (this.#inFlight?.number === answer.number) this.#inFlight.onAnswer(answer);
  }

  /** All records are read. */
  onCurrent(): void {
    if (this.#refusalCheck === 'requested') this.#refusalCheck = 'done';
    this.#inFlight?.onCurrent();
    this.kick();
  }

  /** Takes a valid batch that was read. Returns whether it was the one under way, which is committed then. */
  takeOwn(batch: RoomBatch): boolean {
    this.#handoffs.take(batch.handoffs);
    const flight = this.#inFlight;
    if (flight?.number !== batch.number || batch.writer !== this.#context.options.writer) return false;
    this.#inFlight = undefined;
    this.#lostRaces = 0;
    this.#handoffs.onOwnBatch(this.#context.now - flight.since);
    this.#commit(flight.plan, batch.first, batch.lines.count > 0);
    return true;
  }

  /** Takes a batch of another relay. Returns the events of lines that were handed to that relay. */
  takeForeign(batch: RoomBatch): CommittedEvent[] {
    const { now, options } = this.#context;
    this.#handoffs.onForeignBatch(batch.writer, now);
    if (this.#inFlight !== undefined) {
      this.#putBack(this.#inFlight.plan.items);
      this.#inFlight = undefined;
      this.#lostRaces += 1;
      this.#handoffs.onLostRace(now);
      if (this.#lostRaces >= MAX_LOST_RACES) this.#send(this.#handoffs.pauseRequest(this.#lostRaces));
    }
    const own = batch.handoffs.filter(({ writer }) => writer === options.writer);
    // Handing over works, so the next lines are handed over, too.
    if (own.length > 0) this.#handoffs.onLostRace(now);
    return own.flatMap(({ number }) => this.#takeHandedOver(number));
  }

  #takeHandedOver(number: number): CommittedEvent[] {
    const waiting = this.#pending.remove((item) => item.type === 'tokens' && item.handoff?.number === number);
    const items = [...this.#handoffs.end(number), ...waiting];
    this.#pending.settle(items);
    return items.flatMap((item): CommittedEvent[] => {
      if (item.type !== 'tokens' || !this.#isServed(item)) return [];
      const { bytes, count } = item.lines;
      return [{ type: 'stored', member: item.local.member, count, bytes: bytes.length }];
    });
  }

  #isServed({ local }: { readonly local: LocalMember }): boolean {
    const { roster } = this.#context.shared;
    return roster.isConnected(local.shared) && !this.#context.isRefused(local.member);
  }

  /** Hands lines to the last writer, if that is better than a race. Returns whether it did. */
  #handOver(ready: readonly Pending[]): boolean {
    const { now, options, announcements } = this.#context;
    const to = this.#handoffs.lastWriter;
    if (!this.#handoffs.isWanted(now) || !options.isAlive(relayOfWriter(to))) return false;
    const handoff = this.#handoffs.handOver(
      ready,
      // A join has to be announced before the first message.
      ({ local }) => this.#isServed({ local }) && !announcements.hasPendingJoin(local.member.nick),
    );
    if (handoff === undefined) return false;
    this.#pending.take(handoff.items);
    this.#send(handoff.message);
    this.#context.schedule({ type: 'handoff-timeout', number: handoff.number }, this.#handoffs.timeoutMs);
    return true;
  }

  #send(message: RelayMessage): void {
    this.#context.effects.push({ type: 'send', relayId: relayOfWriter(message.to), message });
  }

  onHandoffTimeout(number: number): void {
    const items = this.#handoffs.end(number);
    if (items.length === 0) return;
    this.#handoffs.onTimeout();
    this.#putBack(items);
    this.kick();
  }

  onMessage(message: RelayMessage): void {
    if (!this.isOpen) return;
    if (message.type === 'handoff') this.add(message);
    // Two relays that lose all races must not wait for each other.
    else if (this.#lostRaces < MAX_LOST_RACES) this.#handoffs.pause(message, this.#context.now);
  }

  /** Refuses the members that wait, because nothing can be stored. */
  refuseWaiting(reason: string): void {
    const items = [...this.#pending.all, ...(this.#inFlight?.plan.items ?? []), ...this.#handoffs.items];
    this.#context.refuse(new Set(items.flatMap((item) => memberOf(item) ?? [])), reason);
    this.dropRefused();
  }

  /** Drops the batch under way and all that depended on it, since the room is opened again. `first` comes before what waits. */
  reset(first: readonly Pending[]): void {
    this.isOpen = false;
    this.#putBack([...first, ...(this.#inFlight?.plan.items ?? []), ...this.#handoffs.endAny()]);
    this.#inFlight = undefined;
  }

  #putBack(items: readonly Pending[]): void {
    this.#pending.putBack(items);
    this.dropRefused();
  }

  /** Drops what refused members wait for. */
  dropRefused(): void {
    const dropped = this.#pending.remove((item) => {
      const member = memberOf(item);
      return member !== undefined && this.#context.isRefused(member);
    });
    this.#pending.settle(dropped);
  }

  #commit(plan: Plan, first: number, grew: boolean): void {
    commitPlan(this.#context, plan, first, grew);
    this.#pending.settle(plan.items);
    this.kick();
  }
}
