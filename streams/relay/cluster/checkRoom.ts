import { isBatch, parseBatch, type RoomBatch } from './batch.js';
import { beginsLog, type Chain, chainBefore, type ChainFault, EMPTY_CHAIN, readBatch } from './chain.js';
import type { LedgerRecord } from './ledger.js';

/**
 * What is wrong with the records of a room:
 *
 * - `unreadable`: records whose checksum is wrong, or that do not open
 * - `missing`: valid batches that are not stored any more; `from` and `to` are the positions of their entries
 * - `wrong-branch`: batches follow a void one, so relays have read different records
 * - `other-log`, `wrong-position`: a batch contradicts the one that it follows
 * - `snapshot`: the newest snapshot is missing, so a relay that opens the room does not know its members
 * - `reservation`: its last positions are not reserved, so others could get them after all its records have expired
 * - `newer-version`: a later version wrote the room, so the rest was not checked
 */
export interface RoomFault {
  readonly type: 'unreadable' | 'missing' | 'snapshot' | 'reservation' | ChainFault;
  /** Address of the first record that shows it. */
  readonly address: number;
  /** How often it was found. */
  readonly count: number;
  /** Positions of the missing entries, if their number is known. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
}

/** What the records of a room contain. */
export interface RoomReport {
  readonly entries: number;
  /** Valid batches. */
  readonly batches: number;
  readonly voidBatches: number;
  /** Logs that begin after the first one, because the engine had lost records. */
  readonly newLogs: number;
  readonly faults: readonly RoomFault[];
}

/** A log as it was read so far, and what it contains. */
interface Branch {
  readonly chain: Chain;
  readonly entries: number;
  readonly batches: number;
  /** Set if the branch begins at a batch whose predecessor is not valid in the main one. */
  readonly fault?: RoomFault | undefined;
  /** The branch without its last batch, and without this field. */
  readonly before?: Branch | undefined;
}

/**
 * Checks the records of a room, in their order: by the rule of `chain.ts`, and by what each batch says of those before it.
 *
 * Retention removes the oldest records of a room, so the first batches that are left may be void. A later batch shows it,
 * since it names a newer predecessor that has expired. A predecessor that is not stored although older ones are is damage.
 * Relays read on from a later snapshot then, and the check does from the batch that names it, unless a relay has begun a new
 * log instead.
 *
 * ```text
 * address    5     6     7    9       the batch at 8 is missing
 * previous   3     5     5    8
 *            valid valid void missing, then valid
 * ```
 */
export class RoomCheck {
  /** Address of the first record of the room. */
  readonly #oldest: number;
  /** No record from this address on has expired. */
  readonly #retainedFrom: number;
  readonly #faults = new Map<RoomFault['type'], RoomFault>();
  #main: Branch | undefined;
  #side: Branch | undefined;
  /** Predecessor of the first valid batch. */
  #start = 0;
  #read = 0;
  #newLogs = 0;
  #lastVoid = 0;
  /** Address of the last valid batch with a snapshot. */
  #snapshot = 0;
  /** The last valid batch names a snapshot that is missing. */
  #isSnapshotMissing = false;
  #isNewer = false;
  /** The last valid batch continues a log. */
  #isContinued = false;

  constructor(oldest: number, retainedFrom: number) {
    this.#oldest = oldest;
    this.#retainedFrom = retainedFrom;
  }

  read({ address, bytes }: LedgerRecord): void {
    if (this.#isNewer) return;
    const batch = parseBatch(bytes);
    if (isBatch(batch)) {
      this.#read += 1;
      this.#readBatch(address, batch);
    } else {
      this.#isNewer = batch.type === 'newer';
      this.#addFault({ type: this.#isNewer ? 'newer-version' : 'unreadable', address, count: 1 });
    }
  }

  /**
   * Returns what was found. Ends the check.
   *
   * @param isReserved whether the positions of a log are reserved, up to the next one.
   */
  finish(isReserved: (log: string, next: number) => boolean = () => true): RoomReport {
    const { entries, batches, chain, fault } = this.#side ?? this.#main ?? NOTHING;
    if (fault !== undefined) this.#addFault(fault);
    if (this.#isSnapshotMissing) this.#addFault({ type: 'snapshot', address: chain.tail, count: 1 });
    // The first batch of a log needs no reservation.
    if (chain.log !== undefined && this.#isContinued && !isReserved(chain.log, chain.next))
      this.#addFault({ type: 'reservation', address: chain.tail, count: 1 });
    return {
      entries,
      batches,
      voidBatches: this.#read - batches,
      newLogs: this.#newLogs,
      faults: [...this.#faults.values()],
    };
  }

  #readBatch(address: number, batch: RoomBatch): void {
    const { previous } = batch;
    const current = this.#side ?? this.#main;
    if (current === undefined || (previous > this.#start && previous < this.#oldest))
      this.#begin(address, batch);
    else if (previous === current.chain.tail) this.#follow(current, address, batch);
    else if (previous > current.chain.tail) this.#branchOff(current, address, batch);
    // No valid batch is between two that follow each other. So the last one is void, and what its place belongs to is missing.
    else if (current.before !== undefined && previous > current.before.chain.tail)
      this.#branchOff(current.before, address, batch);
    else if (previous === this.#main?.chain.tail && beginsLog(this.#main.chain, batch)) {
      this.#side = undefined;
      this.#follow(this.#main, address, batch);
    } else this.#lastVoid = address;
  }

  /** Begins at a batch whose predecessor has expired. */
  #begin(address: number, batch: RoomBatch): void {
    this.#start = batch.previous;
    this.#side = undefined;
    if (batch.previous >= this.#retainedFrom) this.#addFault({ type: 'missing', address, count: 1 });
    this.#append(NOTHING, chainBefore(address, batch), address, batch);
  }

  #follow(current: Branch, address: number, batch: RoomBatch): void {
    const step = readBatch(current.chain, address, batch);
    if (step.type === 'fault') this.#addFault({ type: step.fault, address, count: 1 });
    else if (beginsLog(current.chain, batch)) this.#newLogs += 1;
    this.#append(
      current,
      step.type === 'fault' ? chainBefore(address, batch) : current.chain,
      address,
      batch,
    );
  }

  /** Reads on at a batch whose predecessor is missing or void here, but was valid for its writer. */
  #branchOff(current: Branch, address: number, batch: RoomBatch): void {
    if (current.fault !== undefined) this.#addFault(current.fault);
    const from = current.chain.next;
    const isVoid = batch.previous === this.#lastVoid;
    const lost = !isVoid && batch.first > from && { from, to: batch.first - 1 };
    this.#side = {
      ...current,
      fault: { type: isVoid ? 'wrong-branch' : 'missing', address, count: 1, ...lost },
    };
    this.#append(this.#side, chainBefore(address, batch), address, batch);
  }

  /** Appends a batch that is valid after a chain to a branch. */
  #append(branch: Branch, before: Chain, address: number, batch: RoomBatch): void {
    const step = readBatch(before, address, batch);
    const next: Branch = {
      chain: step.type === 'fault' ? before : step.chain,
      entries: branch.entries + batch.lines.count,
      batches: branch.batches + 1,
      fault: branch.fault,
      before: { ...branch, chain: before, before: undefined },
    };
    if (this.#side === undefined) this.#main = next;
    else this.#side = next;
    this.#isContinued = batch.first > 1;
    if (batch.snapshot !== undefined) this.#snapshot = address;
    const named = batch.snapshot === undefined ? batch.snapshotAddress : address;
    this.#isSnapshotMissing = named >= this.#oldest && named !== this.#snapshot;
  }

  #addFault(fault: RoomFault): void {
    const known = this.#faults.get(fault.type);
    this.#faults.set(
      fault.type,
      known === undefined
        ? fault
        : { ...known, count: known.count + 1, from: known.from ?? fault.from, to: fault.to ?? known.to },
    );
  }
}

const NOTHING: Branch = { chain: EMPTY_CHAIN, entries: 0, batches: 0 };
