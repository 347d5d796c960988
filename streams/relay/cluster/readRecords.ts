import { asyncScheduler, Observable, type Subscriber, Subscription } from 'rxjs';
import type { Ledger, LedgerRecord } from './ledger.js';
import { RecentRecords } from './recentRecords.js';

/** A request to read what is missing, up to an address; without it, up to the last record of the room. */
export interface ReadRequest {
  readonly target?: number | undefined;
}

/**
 * What a reader of a room emits: the records, `current` when it has read what was requested, and `lost` if the engine has
 * lost records that this reader has.
 */
export type ReadEvent =
  { readonly type: 'record'; readonly record: LedgerRecord } | { readonly type: 'current' | 'lost' };

export interface ReadRecordsOptions {
  readonly ledger: Pick<Ledger, 'follow' | 'last' | 'read'>;
  readonly room: string;
  /** Address of the last record that was read; 0 for none. */
  readonly after: number;
  readonly request$: Observable<ReadRequest>;
}

/** Followed records that are kept while earlier ones are read. */
const MAX_FOLLOWED = 64;
/** Number of times that the engine must report a last record before those that were read. */
const MAX_SUSPICIONS = 3;
const SUSPICION_MS = 500;
const MIN_BACKOFF_MS = 25;
const MAX_BACKOFF_MS = 5000;
/** Number of reads without the requested record, after which the reader asks for the last one again. */
const MAX_EMPTY_READS = 8;

/**
 * Reads the records of a room in their order, without gaps and each once.
 *
 * It follows the room. If a followed record does not follow the last one that was read, it reads those between them. It also
 * reads on request, and after the engine reported `missed`. If the engine fails, it tries again, each time later. Never
 * completes; errors only with its sources.
 *
 * ```text
 * followed   1---2-------5-------6
 * read                   (3 4 5)
 *            readRecords({ ledger, room, after: 0, request$ })
 * out        1---2-------345c----6
 * ```
 */
export const readRecords = (options: ReadRecordsOptions): Observable<ReadEvent> =>
  new Observable((subscriber) => {
    const reader = new RecordReader(options, subscriber);
    subscriber.add(() => {
      reader.stop();
    });
    reader.start();
  });

/** One object, since every record of a room passes it. */
class RecordReader {
  readonly #options: ReadRecordsOptions;
  readonly #subscriber: Subscriber<ReadEvent>;
  #read: number;
  readonly #recent = new RecentRecords();
  /** The address up to which it must read. */
  #target = 0;
  /** Followed records that wait for earlier ones. */
  #followed: LedgerRecord[] = [];
  /** The last record of the room must be asked for. */
  #isCheckDue = false;
  /** A check was made. `current` comes before the next one, however often `missed` does. */
  #isChecked = false;
  #isBusy = false;
  #work = Subscription.EMPTY;
  #failures = 0;
  #emptyReads = 0;
  #suspicions = 0;

  constructor(options: ReadRecordsOptions, subscriber: Subscriber<ReadEvent>) {
    this.#options = options;
    this.#subscriber = subscriber;
    this.#read = options.after;
  }

  start(): void {
    const { ledger, room, request$ } = this.#options;
    const error = (reason: unknown) => {
      this.#subscriber.error(reason);
    };
    this.#subscriber.add(
      ledger.follow(room).subscribe({
        next: (followed) => {
          if (followed === 'missed') this.#request(undefined);
          else this.#onFollowed(followed);
        },
        error,
      }),
    );
    this.#subscriber.add(
      request$.subscribe({
        next: ({ target }) => {
          this.#request(target);
        },
        error,
      }),
    );
  }

  stop(): void {
    this.#work.unsubscribe();
  }

  #onFollowed(record: LedgerRecord): void {
    if (record.address <= this.#read) {
      if (this.#recent.contradicts(record)) this.#lose();
      return;
    }
    if (!this.#isBusy && record.previous === this.#read) {
      this.#emit(record);
      return;
    }
    if (this.#followed.length === MAX_FOLLOWED) this.#followed.shift();
    this.#followed.push(record);
    this.#request(record.address);
  }

  #request(target: number | undefined): void {
    // An engine whose last record is before those that were read may have lost some.
    if (target === undefined || target < this.#read) this.#isCheckDue = true;
    else this.#target = Math.max(this.#target, target);
    if (!this.#isBusy) this.#continue();
  }

  /** Does what is due, or reports that nothing is. */
  #continue(): void {
    this.#takeFollowed();
    if (this.#subscriber.closed) return;
    this.#isBusy = true;
    if (this.#isCheckDue && !this.#isChecked) this.#check();
    else if (this.#read < this.#target) this.#readMissing();
    else {
      this.#isBusy = false;
      this.#isChecked = false;
      this.#subscriber.next({ type: 'current' });
      if (this.#isCheckDue) this.#request(undefined);
    }
  }

  #continueAfter(ms: number): void {
    this.#work = asyncScheduler.schedule(() => {
      this.#continue();
    }, ms);
  }

  #emit(record: LedgerRecord): void {
    this.#read = record.address;
    this.#recent.add(record);
    this.#subscriber.next({ type: 'record', record });
  }

  /** Emits the followed records that come next. */
  #takeFollowed(): void {
    const followed = this.#followed;
    this.#followed = [];
    for (const record of followed)
      if (record.previous === this.#read) this.#emit(record);
      else if (record.address > this.#read) this.#followed.push(record);
  }

  /** Asks for the last record, to learn whether some are missing or lost. */
  #check(): void {
    this.#isCheckDue = false;
    const { ledger, room } = this.#options;
    let found: LedgerRecord | undefined;
    this.#work = ledger.last(room, { isFresh: true }).subscribe({
      next: (last) => {
        found = last;
      },
      error: () => {
        this.#isCheckDue = true;
        this.#backOff();
      },
      complete: () => {
        this.#failures = 0;
        const address = found?.address ?? 0;
        if (found !== undefined && this.#recent.contradicts(found)) this.#lose();
        else if (address < this.#read) this.#suspect();
        else {
          this.#suspicions = 0;
          this.#isChecked = true;
          this.#target = address;
          this.#continue();
        }
      },
    });
  }

  #suspect(): void {
    this.#suspicions += 1;
    if (this.#suspicions >= MAX_SUSPICIONS) {
      this.#lose();
      return;
    }
    this.#isCheckDue = true;
    this.#continueAfter(SUSPICION_MS);
  }

  #lose(): void {
    this.#work.unsubscribe();
    this.#subscriber.next({ type: 'lost' });
  }

  #readMissing(): void {
    const { ledger, room } = this.#options;
    const before = this.#read;
    // Any replica may answer first; then the leader, if that replica lacks the requested record.
    const isFresh = this.#emptyReads > 0;
    // The last record that was read comes again, to be compared.
    this.#work = ledger.read(room, Math.max(1, before), { isFresh }).subscribe({
      next: (record) => {
        if (this.#recent.contradicts(record)) this.#lose();
        else if (record.address > this.#read) this.#emit(record);
      },
      error: () => {
        this.#backOff();
      },
      complete: () => {
        this.#failures = 0;
        this.#emptyReads = this.#read > before ? 0 : this.#emptyReads + 1;
        if (this.#emptyReads <= 1) this.#continue();
        else {
          this.#isChecked = false;
          this.#isCheckDue = this.#emptyReads % MAX_EMPTY_READS === 0;
          this.#continueAfter(backoffMs(this.#emptyReads));
        }
      },
    });
  }

  #backOff(): void {
    this.#failures += 1;
    this.#continueAfter(backoffMs(this.#failures + 2));
  }
}

/** Returns a time to wait after so many failures: twice as long after each, up to 5 s. */
export const backoffMs = (failures: number): number =>
  Math.min(MAX_BACKOFF_MS, MIN_BACKOFF_MS * 2 ** Math.min(failures, 20));
