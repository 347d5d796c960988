import { concat, defer, EMPTY, filter, map, type Observable, of } from 'rxjs';
import { batchChecksum, type RoomBatch } from './batch.js';
import type { Block } from './blockCache.js';
import { concatBytes } from './fields.js';
import { type Anchor, batchOf, type LogRecords } from './findAnchor.js';
import type { CachedRecord, LedgerRecord } from './ledger.js';

/** Bytes of lines of a block, and of records of the first read. */
export const BLOCK_BYTES = 262_144;
/** Bytes of records of a read of a reader that keeps up. */
export const MAX_READ_BYTES = 1_048_576;

/** A block, and the anchor after its last entry. */
export interface ReadBlock {
  readonly block: Block;
  readonly anchor: Anchor;
}

export interface ReadBlocksOptions {
  readonly records: LogRecords;
  readonly position: number;
  /** An anchor that is not after the position. */
  readonly from: Anchor;
  /** Whether the record at an address is known to be valid. */
  readonly isValid: (address: number) => boolean;
  /** Called with each valid batch that was read, for a cache. */
  readonly onValid?: ((record: CachedRecord) => void) | undefined;
}

/**
 * Reads entries of a log from a position on, in blocks of about 256 KiB that follow each other.
 *
 * Reads records from the anchor on, by the rule of `chain.ts`. A block is emitted as soon as its records have arrived. Each
 * read asks for twice as many as the one before, up to 1 MiB: the engine then sends while the block before is written. Who
 * wants no more unsubscribes, so a slow reader costs the engine little.
 *
 * If the entries have expired or are damaged, a later batch shows it: then a gap is emitted as the last block. Completes at
 * the end of the records. Emits `undefined` and completes if no record shows anything about the position. Errors with the
 * engine.
 */
export const readBlocks = (options: ReadBlocksOptions): Observable<ReadBlock | undefined> =>
  defer(() =>
    readPages(options.records, new BlockReader(options), {
      address: options.from.tail,
      maxBytes: BLOCK_BYTES,
      isFresh: false,
    }),
  );

/** One read of the engine. */
interface Page {
  readonly address: number;
  readonly maxBytes: number;
  readonly isFresh: boolean;
}

const readPages = (
  records: LogRecords,
  reader: BlockReader,
  page: Page,
): Observable<ReadBlock | undefined> => {
  const { address, maxBytes, isFresh } = page;
  return concat(
    records.ledger.read(records.room, address, { maxBytes, isFresh }).pipe(
      map((record) => reader.take(record)),
      filter((block) => block !== undefined),
    ),
    defer(() => {
      const rest = reader.cut();
      const block$ = rest === undefined ? EMPTY : of(rest);
      const isEmpty = reader.address < address;
      if (reader.isDone || (isEmpty && reader.hasBlocks)) return block$;
      // Only the leader is certain to have the newest records.
      if (isEmpty && isFresh) return of(undefined);
      return concat(
        block$,
        readPages(records, reader, {
          address: reader.address + 1,
          maxBytes: isEmpty ? maxBytes : Math.min(2 * maxBytes, MAX_READ_BYTES),
          isFresh: isEmpty,
        }),
      );
    }),
  );
};

interface Candidate {
  readonly record: LedgerRecord;
  readonly batch: RoomBatch;
}

/** Follows the chain of a log to a position, and takes the batches from there on. */
class BlockReader {
  readonly #options: ReadBlocksOptions;
  /** Address of the last record that was read. */
  address: number;
  /** Address of the last valid batch, and the position after it. */
  #tail: number;
  #next: number;
  /** Checksum of that batch, if it was read. */
  #tailChecksum: number | undefined;
  /** All records since the last valid batch were read. Otherwise a batch that follows it may be late, and void. */
  #isContiguous = false;
  /** A batch that follows the last valid one and is void if there was another one, which is not stored any more. */
  #candidate: Candidate | undefined;
  /** Position of the first entry of the next block. */
  #first: number | undefined;
  #parts: Uint8Array[] = [];
  #byteLength = 0;
  #gap: Block | undefined;
  /** Entries are missing, so that reading ends. */
  isDone = false;
  /** A block was returned. */
  hasBlocks = false;

  constructor(options: ReadBlocksOptions) {
    this.#options = options;
    this.address = options.from.tail - 1;
    this.#tail = options.from.tail;
    this.#next = options.from.next;
  }

  /** Takes the next record. Returns a block when it is large enough. */
  take(record: LedgerRecord): ReadBlock | undefined {
    const { address, bytes } = record;
    this.address = Math.max(this.address, address);
    if (this.isDone) return undefined;
    if (address === this.#tail) {
      this.#isContiguous = true;
      this.#tailChecksum = batchChecksum(bytes);
    } else {
      const batch = batchOf(bytes, this.#options.records.id);
      if (batch !== undefined) this.#takeBatch(record, batch);
    }
    return this.#byteLength >= BLOCK_BYTES ? this.cut() : undefined;
  }

  /** Returns what was read since the last block, or `undefined` if that is nothing from the position on. */
  cut(): ReadBlock | undefined {
    const anchor = { tail: this.#tail, next: this.#next };
    if (this.#gap !== undefined) return { block: this.#gap, anchor };
    if (this.#first === undefined) return undefined;
    // A copy, so that a block does not retain the memory in which its records arrived.
    const block = { first: this.#first, next: this.#next, bytes: concatBytes(this.#parts) };
    this.#first = undefined;
    this.#parts = [];
    this.#byteLength = 0;
    this.hasBlocks = true;
    return { block, anchor };
  }

  #takeBatch(record: LedgerRecord, batch: RoomBatch): void {
    const candidate = this.#candidate;
    if (candidate !== undefined && batch.previous === candidate.record.address) this.#accept(candidate);
    const { previous, first } = batch;
    if (previous < this.#tail || first < this.#next) return;
    if (previous > this.#tail) this.#skipTo(batch);
    else if (this.#candidate !== undefined || first > this.#next) return;
    if (this.isDone) return;
    if (this.#isContiguous || this.#options.isValid(record.address)) this.#accept({ record, batch });
    else this.#candidate = { record, batch };
  }

  /** Continues at a batch that follows one that is not stored or damaged: the entries before it are missing. */
  #skipTo({ previous, first }: RoomBatch): void {
    this.#candidate = undefined;
    if (first > this.#next) {
      this.isDone = this.#first !== undefined || first > this.#options.position;
      if (this.#first !== undefined) return;
      if (this.isDone) this.#gap = { first: this.#next, next: first, bytes: undefined };
    }
    this.#tail = previous;
    this.#tailChecksum = undefined;
    this.#next = first;
    this.#isContiguous = false;
  }

  #accept({ record, batch: { first, lines } }: Candidate): void {
    this.#options.onValid?.({ ...record, previousChecksum: this.#tailChecksum });
    this.#candidate = undefined;
    this.#isContiguous = true;
    this.#tail = record.address;
    this.#tailChecksum = batchChecksum(record.bytes);
    this.#next = first + lines.count;
    if (this.#next <= this.#options.position) return;
    this.#first ??= first;
    this.#parts.push(lines.bytes);
    this.#byteLength += lines.bytes.length;
  }
}
