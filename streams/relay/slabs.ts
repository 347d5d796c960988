import type { Account } from './windowBudget.js';

/** A piece of a log's memory: `count` lines in the first `end` bytes, the first of them number `first`. */
export interface Slab {
  readonly bytes: Uint8Array;
  readonly first: number;
  end: number;
  count: number;
}

const SMALLEST_SLAB = 4096;
const LARGEST_SLAB = 262_144;

/**
 * A log's memory: slabs, numbered from 0, that begin small and double, since most rooms are small. The oldest go first.
 */
export class Slabs {
  /** The size in bytes of the largest slab, but for a line that is longer. */
  readonly largest: number;
  /** How many are gone: the number of the oldest that is left. */
  gone = 0;
  /** Bytes that they take. */
  held = 0;
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

  /** The newest one, or a new one where so many bytes do not fit into that; `first` is the number of its first line. */
  fitting(bytes: number, first: number): Slab {
    const last = this.#slabs.at(-1);
    if (last !== undefined && last.end + bytes <= last.bytes.length) return last;
    const size = Math.max(
      bytes,
      Math.min(this.largest, last === undefined ? SMALLEST_SLAB : 2 * last.bytes.length),
    );
    const slab: Slab = { bytes: new Uint8Array(size), first, end: 0, count: 0 };
    // Before it is one of the slabs: those may be shed now.
    this.#account.take(size);
    this.#slabs.push(slab);
    this.held += size;
    return slab;
  }

  dropOldest(): void {
    this.#free(this.#slabs.shift() as Slab);
    this.gone += 1;
  }

  dropNewest(): void {
    this.#free(this.#slabs.pop() as Slab);
  }

  /** They count no more in the budget. */
  release(): void {
    this.#account.give(this.held);
  }

  #free({ bytes: { length } }: Slab): void {
    this.held -= length;
    this.#account.give(length);
  }
}
