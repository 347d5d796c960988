import type { Member } from '../connection/parseCommands.js';
import type { ReadControl } from '../connection/rateLimit.js';
import type { MemoryBudget } from '../log/slabs.js';
import { type LocalMember, type Pending, sizeOf } from './pending.js';

/** Bytes that can wait for a batch. Above it, reading from senders is paused. */
const MAX_PENDING_BYTES = 1_048_576;

/**
 * What waits for the next batches of this relay.
 *
 * Its bytes count until they are committed, also while a batch is under way. The queue has a limit because reading is paused:
 * each connection adds at most what it has already sent. Lines of other relays are dropped above the limit.
 */
export class PendingQueue {
  #items: Pending[] = [];
  #bytes = 0;
  readonly #paused = new Set<ReadControl>();
  /** Members whose join waits for entries. Their items are skipped. */
  readonly #withoutEntries = new Set<Member>();
  readonly #budget: MemoryBudget | undefined;

  constructor(budget: MemoryBudget | undefined) {
    this.#budget = budget;
  }

  get isEmpty(): boolean {
    return this.#items.length === 0;
  }

  get all(): readonly Pending[] {
    return this.#items;
  }

  add(item: Pending): void {
    // The other relay appends them itself.
    if (item.type === 'handoff' && this.#bytes > MAX_PENDING_BYTES) return;
    this.#items.push(item);
    if (!hasLines(item)) return;
    this.#bytes += sizeOf(item);
    if (item.type === 'handoff') return;
    const { readControl } = item.local.member;
    if (this.#bytes <= MAX_PENDING_BYTES && this.#budget?.isExceeded !== true) return;
    if (this.#paused.has(readControl)) return;
    readControl.pause();
    this.#paused.add(readControl);
  }

  /** Puts items of a batch that was not committed back to the front. */
  putBack(items: readonly Pending[]): void {
    this.#items = [...items, ...this.#items];
  }

  /** The joins whose entries were not requested yet. */
  get newJoins(): Extract<Pending, { type: 'join' }>[] {
    return this.#items.filter(
      (item) =>
        item.type === 'join' && item.entries === undefined && !this.#withoutEntries.has(item.local.member),
    ) as Extract<Pending, { type: 'join' }>[];
  }

  hold({ member }: LocalMember): void {
    this.#withoutEntries.add(member);
  }

  /** Continues with a join, now that its entries are here. */
  release({ member }: LocalMember, entries: ReadonlyMap<number, Uint8Array>): void {
    this.#withoutEntries.delete(member);
    this.#items = this.#items.map((item) =>
      item.type === 'join' && item.local.member === member ? { ...item, entries } : item,
    );
  }

  /** The items that need not wait for entries, in order. */
  get ready(): readonly Pending[] {
    const waiting = this.#withoutEntries;
    return waiting.size === 0
      ? this.#items
      : this.#items.filter((item) => !('local' in item) || !waiting.has(item.local.member));
  }

  /** Removes items, which are part of a batch from now on. */
  take(taken: readonly Pending[]): void {
    const all = new Set(taken);
    this.#items =
      this.#withoutEntries.size === 0
        ? this.#items.slice(taken.length)
        : this.#items.filter((item) => !all.has(item));
  }

  /** Removes and returns the items for which a condition holds. */
  remove(isRemoved: (item: Pending) => boolean): Pending[] {
    const removed = this.#items.filter(isRemoved);
    if (removed.length > 0) this.#items = this.#items.filter((item) => !isRemoved(item));
    return removed;
  }

  /** Items are committed or dropped: their bytes count no more. */
  settle(items: readonly Pending[]): void {
    for (const item of items) {
      if (hasLines(item)) this.#bytes -= sizeOf(item);
      if (item.type === 'join') this.#withoutEntries.delete(item.local.member);
    }
    if (this.#bytes > MAX_PENDING_BYTES / 2) return;
    for (const readControl of this.#paused) readControl.resume();
    this.#paused.clear();
  }
}

const hasLines = (item: Pending): item is Extract<Pending, { type: 'tokens' | 'handoff' }> =>
  item.type === 'tokens' || item.type === 'handoff';
