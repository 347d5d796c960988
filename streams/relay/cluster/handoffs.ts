import { lruMap } from '../../rx/lruMap.js';
import type { HandoffId } from './batch.js';
import type { Pending } from './pending.js';
import type { RelayMessage } from './relayMessage.js';

type PendingTokens = Extract<Pending, { type: 'tokens' }>;

/** Lines that were handed to another writer, until they are in the log or this relay appends them itself. */
interface Outstanding {
  readonly id: HandoffId;
  readonly items: readonly PendingTokens[];
}

/** Time in ms after a lost race in which lines are handed over. */
const RACE_MS = 1000;
/** Time in ms after a foreign batch in which its writer counts as active. */
const ACTIVE_MS = 200;
const MIN_TIMEOUT_MS = 50;
/** Number of append times that a handoff may take. */
const TIMEOUT_APPENDS = 6;
const MAX_HANDOFF_BYTES = 262_144;
/** Writers whose handoffs are remembered. Each start of a relay is a writer, and a handoff is outstanding for seconds only. */
const MAX_WRITERS = 256;
/** Longest time in ms that a relay appends nothing, so that another one can. */
const MAX_PAUSE_MS = 250;

/**
 * Decides when lines are handed to another writer, and remembers which handoffs are in the log.
 *
 * Two relays that append at once refuse each other. A relay that has lost such a race, while another one is writing, lets that
 * one append its lines. It is a courtesy: if the lines are not in the log in time, the relay appends them itself, with the
 * same number. A writer has read all batches before its own, so a number counts once.
 */
export class Handoffs {
  readonly #writer: string;
  readonly #taken = lruMap<string, number>(MAX_WRITERS);
  #number = 0;
  #outstanding: Outstanding | undefined;
  #lastWriter = '';
  #lastForeignAt = -Infinity;
  #lostAt = -Infinity;
  #pausedUntil = -Infinity;
  #pausedFor = '';
  /** Time in ms that an append takes, on average. */
  #appendMs = 5;

  constructor(writer: string) {
    this.#writer = writer;
  }

  get isOutstanding(): boolean {
    return this.#outstanding !== undefined;
  }

  /** The lines that are handed over at present. */
  get items(): readonly PendingTokens[] {
    return this.#outstanding?.items ?? [];
  }

  /** The writer of the last batch of another relay. */
  get lastWriter(): string {
    return this.#lastWriter;
  }

  get timeoutMs(): number {
    return Math.max(MIN_TIMEOUT_MS, TIMEOUT_APPENDS * this.#appendMs);
  }

  onOwnBatch(ms: number): void {
    this.#appendMs += (ms - this.#appendMs) / 4;
    this.#lastWriter = '';
  }

  onForeignBatch(writer: string, now: number): void {
    this.#lastWriter = writer;
    this.#lastForeignAt = now;
    if (writer === this.#pausedFor) this.#pausedUntil = -Infinity;
  }

  onLostRace(now: number): void {
    this.#lostAt = now;
  }

  /** Remembers the handoffs of a valid batch. */
  take(ids: readonly HandoffId[]): void {
    for (const { writer, number } of ids)
      this.#taken.set(writer, Math.max(number, this.#taken.get(writer) ?? 0));
  }

  isTaken = ({ writer, number }: HandoffId): boolean => (this.#taken.get(writer) ?? 0) >= number;

  /** Whether lines should be handed to the last writer. */
  isWanted(now: number): boolean {
    return this.#lastWriter !== '' && now - this.#lostAt <= RACE_MS && now - this.#lastForeignAt <= ACTIVE_MS;
  }

  /** Returns the lines at the front of the queue that can be handed over, and remembers them. */
  handOver(
    ready: readonly Pending[],
    canWait: (item: PendingTokens) => boolean,
  ):
    | { readonly items: readonly Pending[]; readonly message: RelayMessage; readonly number: number }
    | undefined {
    const id = { writer: this.#writer, number: this.#number + 1 };
    const items: PendingTokens[] = [];
    let bytes = 0;
    for (const item of ready) {
      // Only lines: what else a member wants depends on the state of the room. Lines that were handed over once wait no more.
      if (item.type !== 'tokens' || item.handoff !== undefined || !canWait(item)) break;
      bytes += item.lines.bytes.length;
      if (items.length > 0 && bytes > MAX_HANDOFF_BYTES) break;
      items.push(item);
    }
    if (items.length === 0) return undefined;
    this.#number += 1;
    this.#outstanding = { id, items: items.map((item) => ({ ...item, handoff: id })) };
    const parts = items.map(({ local: { shared }, lines }) => ({
      session: shared.session,
      connection: shared.connection,
      lines,
    }));
    return { items, number: id.number, message: { type: 'handoff', to: this.#lastWriter, id, parts } };
  }

  /** Ends a handoff, if it is outstanding. Returns its items, which then wait again or are committed. */
  end(number: number): readonly PendingTokens[] {
    if (this.#outstanding?.id.number !== number) return [];
    const { items } = this.#outstanding;
    this.#outstanding = undefined;
    return items;
  }

  /** The other writer did not answer: this relay appends for itself until it loses the next race. */
  onTimeout(): void {
    this.#lostAt = -Infinity;
  }

  /** Ends whatever is outstanding, and returns its items. */
  endAny(): readonly PendingTokens[] {
    return this.#outstanding === undefined ? [] : this.end(this.#outstanding.id.number);
  }

  /** Returns a request to the last writer to append nothing for a moment. */
  pauseRequest(lostRaces: number): RelayMessage {
    const ms = Math.min(MAX_PAUSE_MS, Math.ceil(10 + 2 * this.#appendMs + 2 * lostRaces));
    return { type: 'pause', to: this.#lastWriter, from: this.#writer, ms };
  }

  /** Another writer requests a pause, until its next batch. */
  pause({ from, ms }: Extract<RelayMessage, { type: 'pause' }>, now: number): void {
    this.#pausedFor = from;
    this.#pausedUntil = now + Math.min(ms, MAX_PAUSE_MS);
  }

  /** Returns the time in ms until this relay may append. */
  pauseMs(now: number): number {
    return Math.max(0, this.#pausedUntil - now);
  }
}

/** Returns the id of the relay of a writer. */
export const relayOfWriter = (writer: string): string => writer.slice(0, writer.lastIndexOf('/'));
