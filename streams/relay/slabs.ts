import type { Account } from './windowBudget.js';

/** A piece of a log's memory: `count` lines in the first `end` bytes, the first of them number `first`. */
export interface Slab {
  readonly bytes: Uint8Array;
  readonly first: number;
  end: number;
  count: number;
  /** How many cursors gave out a slice of it and are not done with that. */
  lent: number;
  /** A slice went to somebody who may look at it for ever. */
  isKept: boolean;
}

const SMALLEST_SLAB = 4096;
const LARGEST_SLAB = 262_144;
/** Slabs that wait to be used again: what a few commits of a busy room bring. */
const SPARE = 4;

/**
 * A log's memory: slabs, numbered from 0, that begin small and double, since most rooms are small. The oldest go first, and
 * their memory is used again where nobody looks at it any more: what is new is cold, and for every 64 MB of it the engine
 * collects all of its heap, a quarter of what the relay did with lines of 1 KiB and ten members.
 */
export class Slabs {
  /** The size in bytes of the largest slab, but for a line that is longer. */
  readonly largest: number;
  /** How many are gone: the number of the oldest that is left. */
  gone = 0;
  /** Bytes that they take, without the spare ones. */
  held = 0;
  readonly #spare: Uint8Array[] = [];
  readonly #slabs: Slab[] = [];
  readonly #account: Account;

  constructor(window: number, account: Account) {
    this.largest = Math.min(LARGEST_SLAB, Math.max(1, Math.floor(window / 4)));
    this.#account = account;
  }

  get oldest(): Slab | undefined {
    return this.#slabs[0];
  }

  /** The number that the next new one gets. */
  get next(): number {
    return this.gone + this.#slabs.length;
  }

  at(number: number): Slab | undefined {
    return this.#slabs[number - this.gone];
  }

  /** The newest one, or a new one where `length` bytes do not fit into that; `first` is the number of its first line. */
  fitting(length: number, first: number): Slab {
    const last = this.#slabs.at(-1);
    if (last !== undefined && last.end + length <= last.bytes.length) return last;
    const size = Math.max(
      length,
      Math.min(this.largest, last === undefined ? SMALLEST_SLAB : 2 * last.bytes.length),
    );
    const used = size === this.largest ? this.#spare.pop() : undefined;
    if (used !== undefined) this.#account.give(size);
    // Before it is one of the slabs: those may be shed now.
    this.#account.take(size);
    const bytes = used ?? new Uint8Array(size);
    const slab: Slab = { bytes, first, end: 0, count: 0, lent: 0, isKept: false };
    this.#slabs.push(slab);
    this.held += size;
    return slab;
  }

  dropOldest(): void {
    const { bytes, lent, isKept } = this.#slabs.shift() as Slab;
    this.gone += 1;
    this.held -= bytes.length;
    const isFree = lent === 0 && !isKept;
    if (isFree && bytes.length === this.largest && this.#spare.length < SPARE) this.#spare.push(bytes);
    else this.#account.give(bytes.length);
  }

  dropNewest(): void {
    const { bytes } = this.#slabs.pop() as Slab;
    this.held -= bytes.length;
    this.#account.give(bytes.length);
  }

  /** Lets go of the spare ones; whether there were any. */
  dropSpare(): boolean {
    if (this.#spare.length === 0) return false;
    this.#account.give(this.#spare.length * this.largest);
    this.#spare.length = 0;
    return true;
  }

  /** They count no more in the budget. */
  release(): void {
    this.dropSpare();
    this.#account.give(this.held);
  }
}
