import {
  concat,
  concatMap,
  defer,
  EMPTY,
  map,
  Observable,
  retry,
  type Subscriber,
  Subscription,
  timer,
} from 'rxjs';
import type { Lines } from '../../wire/lines.js';
import type { Gap, PendingRead, ReadableLog } from '../log/history.js';
import { batchChecksum } from './batch.js';
import { BlockCache, type LogBlocks } from './blockCache.js';
import { FetchQueue } from './fetchQueue.js';
import { type Anchor, findAnchor, type LogRecords } from './findAnchor.js';
import type { CachedRecord, CachedRoom, LedgerRecord } from './ledger.js';
import { readBlocks, type ReadBlock } from './readBlock.js';
import { readCached } from './readCached.js';

export interface LedgerLogOptions extends LogRecords {
  /** Address of the batch after which the log begins (default 0). */
  readonly base?: number;
  /** Position of the oldest entry that is kept, or one before it (default 1). */
  readonly first?: number;
  /** Where the log begins in memory. Its readers read older entries from here. */
  readonly start: Anchor;
  /** The records of the room that this relay has on its own disk. */
  readonly cached?: CachedRoom | undefined;
  /** The blocks in memory, which all rooms share. */
  readonly cache?: BlockCache;
  /** The fetches of all rooms. */
  readonly fetches?: FetchQueue;
}

/** Number of known places of a log. */
const MAX_ANCHORS = 256;
/** Number of entries between two anchors that `extend` keeps. */
const ANCHOR_ENTRIES = 64;

/** Time in ms after which a failed fetch is repeated. */
const RETRY_MS = 500;

/** Number of fetches that must find nothing, until the rest of the log counts as expired. */
const MAX_EMPTY_READS = 3;

/** A reader that waits for a position. */
interface Waiter {
  readonly position: number;
  readonly subscriber: Subscriber<never>;
}

/** Creates the past of a shared room. */
export const ledgerLog = (options: LedgerLogOptions): LedgerLog => new LedgerLog(options);

/**
 * The past of a shared room: its entries are read from the engine when somebody asks for them.
 *
 * One fetch runs at a time, for the reader that waits longest. It reads blocks of about 256 KiB, and all readers that wait
 * for these entries read them from memory then. It goes on while that reader waits for the next block and nobody waits
 * longer, here or in another room. If the engine fails, the fetch is repeated. A fetch ends when nobody waits any more, so there is nothing to close.
 *
 * Records that the relay has on its own disk are read from there first (`readCached`), and all others that are read are added to
 * them.
 *
 * Positions are found by probing addresses between known places, of which at most 256 are kept.
 *
 * ```text
 * read 1     -(pending)-----1----
 * read 2     ---(pending)---2----
 * ledger      [ probe, read ]
 * ```
 */
export class LedgerLog implements ReadableLog {
  readonly id: string;
  /** Rises when a read finds that the oldest entries have expired. */
  first: number;
  readonly #records: LogRecords;
  readonly #blocks: LogBlocks;
  readonly #fetches: FetchQueue;
  readonly #origin: Anchor;
  /** Known places, the oldest first. */
  #anchors: Anchor[];
  readonly #waiters = new Set<Waiter>();
  #fetch = Subscription.EMPTY;
  #isFetching = false;
  #end: Anchor;
  /** Checksum of the last batch, if it was read. */
  #endChecksum: number | undefined;
  readonly #cached: CachedRoom | undefined;
  readonly #isValid = (address: number): boolean =>
    address === this.#end.tail || this.#anchors.some(({ tail }) => tail === address);

  constructor({
    base = 0,
    first = 1,
    start,
    cached,
    cache = new BlockCache(),
    fetches = new FetchQueue(),
    ...records
  }: LedgerLogOptions) {
    this.id = records.id;
    this.first = first;
    this.#records = records;
    this.#cached = cached;
    this.#blocks = cache.openLog();
    this.#fetches = fetches;
    this.#origin = { tail: base, next: 1 };
    this.#anchors = [this.#origin];
    this.#end = start;
    this.#addAnchor(start);
  }

  get next(): number {
    return this.#end.next;
  }

  /** The log has grown up to an anchor, by the batch of a record. */
  extend(anchor: Anchor, record?: LedgerRecord): void {
    this.#end = anchor;
    if (record !== undefined && this.#cached !== undefined) {
      this.#cached.add({ ...record, previousChecksum: this.#endChecksum });
      this.#endChecksum = batchChecksum(record.bytes);
    }
    if (anchor.next >= (this.#anchors.at(-1)?.next ?? 0) + ANCHOR_ENTRIES) this.#addAnchor(anchor);
  }

  /** Removes the records of the room from the cache of this relay. */
  forgetCached(): void {
    this.#cached?.removeBefore(Infinity);
    this.#endChecksum = undefined;
  }

  read(position: number): Lines | Gap | PendingRead | undefined {
    if (position >= this.next) return undefined;
    return this.#find(position) ?? { ready$: this.#fetched(position) };
  }

  #find(position: number): Lines | Gap | undefined {
    return position < this.first ? { from: position, to: this.first - 1 } : this.#blocks.find(position);
  }

  /** Completes when a position is in memory. */
  #fetched(position: number): Observable<never> {
    return new Observable((subscriber) => {
      const waiter = { position, subscriber };
      this.#waiters.add(waiter);
      this.#fetchNext();
      return () => {
        this.#waiters.delete(waiter);
        if (this.#waiters.size === 0) this.#endFetch();
      };
    });
  }

  #fetchNext(): void {
    if (this.#isFetching || this.#waiters.size === 0) return;
    this.#isFetching = true;
    let emptyReads = 0;
    const cached = this.#cached;
    const records = this.#records;
    const onValid = cached && ((record: CachedRecord) => cached.add(record));
    const cached$ =
      cached === undefined ? EMPTY : defer(() => readCached({ ...this.#searched(), records, cached }));
    const stored$ = defer(() => {
      const { position, low, high } = this.#searched();
      return findAnchor(records, position, low, high).pipe(
        concatMap((from) => readBlocks({ records, position, from, isValid: this.#isValid, onValid })),
        map((found) => {
          emptyReads = found === undefined ? emptyReads + 1 : 0;
          if (found !== undefined) return [found];
          if (emptyReads < MAX_EMPTY_READS) throw new Error('the engine has no record of the position');
          return [{ block: { first: position, next: this.#end.next, bytes: undefined }, anchor: this.#end }];
        }),
      );
    });
    this.#fetch = this.#fetches
      .run(concat(cached$, stored$))
      .pipe(retry({ delay: () => timer(RETRY_MS) }))
      .subscribe({
        next: (blocks) => {
          this.#onFetched(blocks);
        },
        error: (error: unknown) => {
          for (const { subscriber } of [...this.#waiters]) subscriber.error(error);
        },
        complete: () => {
          this.#endFetch();
        },
      });
  }

  /** Returns what the longest waiting reader waits for, and the anchors around it. */
  #searched() {
    const position = this.#longestWaiting ?? this.#end.next;
    const at = this.#indexAfter(position);
    const { tail, next } = this.#anchors[at] ?? { tail: Infinity, next: this.#end.next };
    return { position, low: this.#anchors[at - 1] ?? this.#origin, high: { tail: tail + 1, next } };
  }

  #endFetch(): void {
    this.#fetch.unsubscribe();
    this.#isFetching = false;
    this.#fetchNext();
  }

  /** Position of the reader that waits longest. */
  get #longestWaiting(): number | undefined {
    const [waiter] = this.#waiters;
    return waiter?.position;
  }

  #onFetched(blocks: readonly ReadBlock[]): void {
    for (const { block, anchor } of blocks) {
      this.#addAnchor(anchor);
      if (block.bytes === undefined && block.first <= this.first) this.first = block.next;
      else this.#blocks.add(block);
    }
    const next = blocks.at(-1)?.block.next;
    // Readers read on within `complete`, and wait again. They are served after those that wait longer.
    for (const { position, subscriber } of [...this.#waiters])
      if (this.#find(position) !== undefined) subscriber.complete();
    if (this.#isFetching && (this.#longestWaiting !== next || this.#fetches.isFull)) this.#endFetch();
  }

  /** Returns the index of the first anchor after a position. */
  #indexAfter(position: number): number {
    const index = this.#anchors.findIndex(({ next }) => next > position);
    return index === -1 ? this.#anchors.length : index;
  }

  #addAnchor(anchor: Anchor): void {
    const at = this.#indexAfter(anchor.next);
    if (this.#anchors[at - 1]?.next === anchor.next) return;
    this.#anchors.splice(at, 0, anchor);
    if (this.#anchors.length > MAX_ANCHORS)
      this.#anchors = this.#anchors.filter((each, n) => n % 2 === 0 || each === anchor);
  }
}
