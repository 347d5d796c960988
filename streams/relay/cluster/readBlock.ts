import { concatMap, defer, type Observable, of, reduce } from 'rxjs';
import type { RoomBatch } from './batch.js';
import type { Block } from './blockCache.js';
import { concatBytes } from './fields.js';
import { type Anchor, batchOf, type LogRecords } from './findAnchor.js';
import type { LedgerRecord } from './ledger.js';

/** Bytes of records of one read. */
const READ_BYTES = 262_144;

/** A block, and the anchor after its last entry. */
export interface ReadBlock {
  readonly block: Block;
  readonly anchor: Anchor;
}

export interface ReadBlockOptions {
  readonly records: LogRecords;
  readonly position: number;
  /** An anchor that is not after the position. */
  readonly from: Anchor;
  /** Whether the record at an address is known to be valid. */
  readonly isValid: (address: number) => boolean;
}

/**
 * Reads entries of a log from a position on, about 256 KiB.
 *
 * Reads records from the anchor on, by the rule of `chain.ts`, until there is a batch with the position. If that has expired
 * or is damaged, a later batch shows it, and the block is a gap. Emits once and completes; emits `undefined` if no record
 * shows anything about the position. Errors with the engine.
 */
export const readBlock = (options: ReadBlockOptions): Observable<ReadBlock | undefined> =>
  defer(() => readPages(options.records, new BlockReader(options), options.from.tail, false));

const readPages = (
  records: LogRecords,
  reader: BlockReader,
  address: number,
  isFresh: boolean,
): Observable<ReadBlock | undefined> =>
  records.ledger.read(records.room, address, { maxBytes: READ_BYTES, isFresh }).pipe(
    reduce((all, record) => all.take(record), reader),
    concatMap(() => {
      const found = reader.finish();
      if (found !== undefined) return of(found);
      const isEmpty = reader.address < address;
      // Only the leader is certain to have the newest records.
      if (isEmpty && isFresh) return of(undefined);
      return readPages(records, reader, reader.address + 1, isEmpty);
    }),
  );

interface Candidate {
  readonly address: number;
  readonly batch: RoomBatch;
}

/** Follows the chain of a log to a position, and takes the batches from there on. */
class BlockReader {
  readonly #options: ReadBlockOptions;
  /** Address of the last record that was read. */
  address: number;
  /** Address of the last valid batch, and the position after it. */
  #tail: number;
  #next: number;
  /** All records since the last valid batch were read. Otherwise a batch that follows it may be late, and void. */
  #isContiguous = false;
  /** A batch that follows the last valid one and is void if there was another one, which is not stored any more. */
  #candidate: Candidate | undefined;
  #first: number | undefined;
  readonly #parts: Uint8Array[] = [];
  #gap: Block | undefined;
  #isDone = false;

  constructor(options: ReadBlockOptions) {
    this.#options = options;
    this.address = options.from.tail - 1;
    this.#tail = options.from.tail;
    this.#next = options.from.next;
  }

  take({ address, bytes }: LedgerRecord): this {
    this.address = Math.max(this.address, address);
    if (this.#isDone) return this;
    if (address === this.#tail) this.#isContiguous = true;
    else {
      const batch = batchOf(bytes, this.#options.records.id);
      if (batch !== undefined) this.#takeBatch(address, batch);
    }
    return this;
  }

  /** Returns what was found, or `undefined` if the position was not reached. */
  finish(): ReadBlock | undefined {
    const anchor = { tail: this.#tail, next: this.#next };
    if (this.#gap !== undefined) return { block: this.#gap, anchor };
    if (this.#first === undefined) return undefined;
    // A copy, so that a block does not retain the memory in which its records arrived.
    return { block: { first: this.#first, next: this.#next, bytes: concatBytes(this.#parts) }, anchor };
  }

  #takeBatch(address: number, batch: RoomBatch): void {
    const candidate = this.#candidate;
    if (candidate !== undefined && batch.previous === candidate.address) this.#accept(candidate);
    const { previous, first } = batch;
    if (previous < this.#tail || first < this.#next) return;
    if (previous > this.#tail) this.#skipTo(batch);
    else if (this.#candidate !== undefined || first > this.#next) return;
    if (this.#isDone) return;
    if (this.#isContiguous || this.#options.isValid(address)) this.#accept({ address, batch });
    else this.#candidate = { address, batch };
  }

  /** Continues at a batch that follows one that is not stored or damaged: the entries before it are missing. */
  #skipTo({ previous, first }: RoomBatch): void {
    this.#candidate = undefined;
    if (first > this.#next) {
      this.#isDone = this.#first !== undefined || first > this.#options.position;
      if (this.#first !== undefined) return;
      if (this.#isDone) this.#gap = { first: this.#next, next: first, bytes: undefined };
    }
    this.#tail = previous;
    this.#next = first;
    this.#isContiguous = false;
  }

  #accept({ address, batch: { first, lines } }: Candidate): void {
    this.#candidate = undefined;
    this.#isContiguous = true;
    this.#tail = address;
    this.#next = first + lines.count;
    if (this.#next <= this.#options.position) return;
    this.#first ??= first;
    this.#parts.push(lines.bytes);
  }
}
