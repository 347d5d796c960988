import type { RoomLog } from '../log/roomLog.js';
import { Roster } from '../members/roster.js';
import type { RoomBatch } from './batch.js';
import { type Chain, type ChainFault, EMPTY_CHAIN, readRecord } from './chain.js';
import type { LedgerRecord } from './ledger.js';
import type { LedgerLog } from './ledgerLog.js';
import type { RoomStart } from './openRoom.js';
import type { SharedMember, StoredChange } from './sharedRoster.js';

/** The log of a room in memory, and its past in the engine. */
export interface OpenedLog {
  readonly log: RoomLog;
  readonly past: Pick<LedgerLog, 'extend' | 'forgetCached'>;
}

/** Opens a log that begins in memory before the next batch of a chain. */
export type OpenLog = (id: string, start: Pick<Chain, 'base' | 'tail' | 'next'>, first: number) => OpenedLog;

/** What a record meant for the log. */
export type SharedLogStep =
  | { readonly type: 'valid'; readonly batch: RoomBatch }
  | { readonly type: 'void' }
  | { readonly type: 'fault'; readonly fault: ChainFault };

/** The log and the members of a room, as all relays compute them from its records. */
export class SharedLog {
  chain: Chain;
  roster: Roster<SharedMember>;
  /** The next batch must have a snapshot. */
  isSnapshotDue = false;
  /** `undefined` until the room has a batch. */
  #opened: OpenedLog | undefined;
  readonly #openLog: OpenLog;

  constructor({ chain, members, first }: RoomStart, openLog: OpenLog) {
    this.#openLog = openLog;
    this.chain = chain;
    this.roster = new Roster(members);
    if (chain.log !== undefined) this.#opened = openLog(chain.log, chain, first);
  }

  get log(): RoomLog | undefined {
    return this.#opened?.log;
  }

  /** Reads the next record, and appends its lines if it is valid. */
  read(record: LedgerRecord): SharedLogStep {
    const step = readRecord(this.chain, record);
    if (step.type === 'fault') return step;
    this.chain = step.chain;
    if (step.type === 'void') return step;
    const { batch } = step;
    const { log, past } = this.#openedFor(batch);
    if (batch.lines.count > 0) {
      log.append(batch.lines);
      log.commit(log.batch());
    }
    past.extend(this.chain, record);
    if (batch.snapshot !== undefined) this.isSnapshotDue = false;
    return step;
  }

  /** Returns the opened log of a valid batch, which may begin it. */
  #openedFor({ log, base, previous, first }: RoomBatch): OpenedLog {
    const opened = this.#opened;
    if (opened?.log.id === log && opened.log.next === first) return opened;
    opened?.log.close();
    this.#opened = this.#openLog(log, { base, tail: previous, next: first }, first);
    return this.#opened;
  }

  /**
   * Applies the changes of a batch of another relay. Returns the members whose place in the roster it has changed, as they
   * were before.
   */
  applyForeign({ snapshot, changes }: RoomBatch): SharedMember[] {
    const moved: SharedMember[] = [];
    if (snapshot !== undefined) {
      const before = this.roster;
      this.roster = new Roster(snapshot);
      for (const { member } of before.entries())
        if (this.roster.findMember(member) === undefined) moved.push(member);
    }
    for (const change of changes) moved.push(...this.#apply(change));
    return moved;
  }

  #apply(change: StoredChange): SharedMember[] {
    const before = this.roster.findSession(change.member.session)?.member;
    this.roster.apply(change);
    return before !== undefined && this.roster.findMember(before) === undefined ? [before] : [];
  }

  /** Removes the records of the room from the cache of this relay: some may be of another history. */
  forgetCached(): void {
    this.#opened?.past.forgetCached();
  }

  close(): void {
    this.#opened?.log.close();
  }
}

export const EMPTY_START: RoomStart = {
  chain: EMPTY_CHAIN,
  members: [],
  isLost: false,
  first: 1,
  last: 0,
};
