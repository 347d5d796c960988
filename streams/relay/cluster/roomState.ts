import type { MemberCommand } from '../connection/parseCommands.js';
import { applyForeign } from './applyForeign.js';
import { BatchWriter } from './batchWriter.js';
import type { ChainFault } from './chain.js';
import { afterWrongBranch, describeFault, isLoss, LOST_RECORDS, UNAVAILABLE } from './chainFault.js';
import type { LedgerRecord } from './ledger.js';
import type { RoomStart } from './openRoom.js';
import { type Pending, toPending } from './pending.js';
import { backoffMs } from './readRecords.js';
import { RoomContext, type RoomStateOptions } from './roomContext.js';
import type { RoomEffect, RoomInput } from './roomInput.js';
import { SharedLog } from './sharedLog.js';
import { relayOf } from './sharedRoster.js';
import { SnapshotTimer } from './snapshotTimer.js';
import { StorageTimer } from './storageTimer.js';

/**
 * The state of a shared room at one relay: a reducer. What happens goes in, and what is to be done comes out.
 *
 * It reads the records of the room in the order of the engine, and has its members and its log from them. `BatchWriter` writes
 * what the members at this relay want. If the records contradict what was read, it closes its members and opens the room
 * again.
 */
export class RoomState {
  readonly #context: RoomContext;
  readonly #writer: BatchWriter;
  #openFailures = 0;
  #wrongBranchAt = -Infinity;
  /** Address of a snapshot on a wrong branch: the room is opened before it, until that has succeeded. */
  #openBefore: number | undefined;
  #isCompleted = false;
  readonly #storageTimer: StorageTimer;
  readonly #snapshotTimer: SnapshotTimer;
  /** Why members are refused, if they are: the engine has not answered for `storeTimeoutMs`, for example. */
  #unavailable: string | undefined;

  constructor(options: RoomStateOptions) {
    this.#context = new RoomContext(options);
    this.#writer = new BatchWriter(this.#context);
    this.#storageTimer = new StorageTimer(this.#context);
    this.#snapshotTimer = new SnapshotTimer(this.#context);
  }

  /** Handles an input. Returns what is to be done, in order. */
  handle(input: RoomInput, now: number): readonly RoomEffect[] {
    const context = this.#context;
    context.now = now;
    context.effects = [];
    this.#dispatch(input);
    this.#storageTimer.watch(this.#writer.isIdle);
    if (this.#isCompleted && this.#writer.isIdle) context.effects.push({ type: 'complete' });
    return context.effects;
  }

  close(): void {
    this.#context.shared.close();
  }

  #dispatch(input: RoomInput): void {
    switch (input.type) {
      case 'command':
        this.#onCommand(input.command);
        return;
      case 'completed':
        this.#isCompleted = true;
        this.#writer.add({ type: 'flush' });
        return;
      case 'opened':
        this.#onOpened(input.start);
        return;
      case 'open-failed':
        if (input.isNewer) this.#setUnavailable(input.reason);
        this.#open();
        return;
      case 'record':
        this.#onRecord(input.record);
        return;
      case 'current':
        this.#onCurrent();
        return;
      case 'lost':
        this.#restart(LOST_RECORDS, [{ type: 'lost', generation: this.#context.shared.chain.generation }]);
        return;
      case 'reserved':
        this.#context.reserved = input.reservation;
        return;
      case 'tick-ended':
        this.#writer.onTickEnd();
        return;
      case 'timer':
        this.#onTimer(input.pending);
        return;
      case 'fetched':
        this.#writer.release(input);
        return;
      case 'message':
        this.#writer.onMessage(input.message);
        return;
      case 'relay-gone':
        for (const { member } of this.#context.shared.roster.entries())
          if (relayOf(member.connection) === input.relayId) this.#context.expire(member);
        return;
      case 'check':
        this.#check();
        return;
      case 'handoff-timeout':
        this.#writer.onHandoffTimeout(input.number);
        return;
      case 'store-timeout':
        this.#onStoreTimeout();
        return;
      case 'snapshot-timeout':
        this.#onSnapshotTimeout();
        return;
      default:
        this.#writer.onAnswer(input);
    }
  }

  #onTimer(pending: Pending): void {
    const { announcements } = this.#context;
    // Usually there is nothing more to announce, and nothing to write. A batch under way has a copy of the announcements.
    if (pending.type === 'coalesced' && this.#writer.isIdle && !announcements.hasMore)
      announcements.endInterval();
    else this.#writer.add(pending);
  }

  #onCommand(command: MemberCommand): void {
    const { locals } = this.#context;
    const { member, type } = command;
    const local = type === 'join' && this.#unavailable === undefined ? locals.add(member) : locals.of(member);
    if (this.#unavailable !== undefined && type !== 'leave')
      this.#context.refuse([member], this.#unavailable);
    else if (local === undefined || (type !== 'leave' && this.#context.isRefused(member))) return;
    else this.#writer.add(toPending(command, local));
  }

  #onOpened(start: RoomStart): void {
    const { generation, log, next } = start.chain;
    const former = this.#context.shared.chain;
    // The reservation is from a backup.
    const isReservationLost = start.last === 0 && log === former.log && next < former.next;
    if (start.isLost || isReservationLost) this.#writer.reset([{ type: 'lost', generation }]);
    this.#openBefore = undefined;
    this.#context.reserved = undefined;
    this.#context.shared.close();
    this.#context.shared = new SharedLog(start, this.#context.options.openLog);
    this.#context.effects.push({ type: 'request' });
  }

  #open(ms: number = backoffMs(this.#openFailures)): void {
    this.#context.effects.push({ type: 'open', ms, before: this.#openBefore });
    this.#openFailures += 1;
  }

  /** Opens the room again. Its members are closed, since they have read something else. */
  #restart(reason: string, first: readonly Pending[] = [], ms?: number): void {
    this.#context.refuseAll(reason);
    this.#context.shared.forgetCached();
    this.#writer.reset(first);
    this.#open(ms);
  }

  #onFault(fault: ChainFault): void {
    const { generation, snapshotAddress } = this.#context.shared.chain;
    const reason = describeFault(fault);
    if (fault === 'wrong-branch') this.#onWrongBranch(snapshotAddress);
    else this.#restart(reason, isLoss(fault) ? [{ type: 'lost', generation }] : []);
    if (fault === 'newer-version') this.#setUnavailable(reason);
  }

  /** Opens the room from the leader of the engine. If that was done not long ago, refuses it for a while before. */
  #onWrongBranch(snapshotAddress: number): void {
    const { now } = this.#context;
    const { reason, pauseMs, isRefused } = afterWrongBranch(now - this.#wrongBranchAt);
    this.#wrongBranchAt = now;
    this.#openBefore = snapshotAddress;
    if (isRefused) this.#setUnavailable(reason);
    this.#restart(reason, [], pauseMs);
  }

  /** Another log has begun. The readers of the former one are closed, since only `WELCOME` names the log. */
  #endLog(): void {
    const { roster } = this.#context.shared;
    this.#context.refuseAll(LOST_RECORDS, (local) => roster.isConnected(local.shared));
    this.#writer.dropRefused();
  }

  #onCurrent(): void {
    const { options, shared } = this.#context;
    this.#unavailable = undefined;
    if (!this.#writer.isOpen) {
      this.#writer.isOpen = true;
      // The age of the last snapshot is unknown.
      shared.isSnapshotDue = true;
      // A relay may have stopped before this one began to read.
      this.#context.schedule({ type: 'check' }, options.warmUpMs);
      this.#snapshotTimer.start();
    }
    this.#writer.onCurrent();
  }

  /** Looks for records that were missed, and for members whose relay is gone. */
  #check(): void {
    const { shared, effects, isAway } = this.#context;
    effects.push({ type: 'request' });
    for (const entry of shared.roster.entries())
      if (entry.isAway || isAway(entry.member)) this.#context.expire(entry.member);
  }

  #onRecord(record: LedgerRecord): void {
    const { shared } = this.#context;
    const { log } = shared;
    const step = shared.read(record);
    this.#unavailable = undefined;
    if (step.type === 'fault') this.#onFault(step.fault);
    else if (step.type === 'valid') {
      this.#openFailures = 0;
      if (log !== undefined && shared.log !== log) this.#endLog();
      if (step.batch.snapshot !== undefined) this.#snapshotTimer.onSnapshot();
      if (this.#writer.takeOwn(step.batch)) this.#storageTimer.onProgress();
      else {
        const disconnected = applyForeign(this.#context, step.batch);
        const stored = this.#writer.takeForeign(step.batch);
        this.#context.emit([...disconnected, ...stored], step.batch.lines.count > 0);
        this.#writer.kick();
      }
    }
  }

  #onStoreTimeout(): void {
    if (!this.#storageTimer.onTimeout(this.#writer.isIdle)) return;
    this.#setUnavailable(UNAVAILABLE);
    if (this.#isCompleted) this.#context.effects.push({ type: 'complete' });
  }

  #onSnapshotTimeout(): void {
    const { shared } = this.#context;
    if (!this.#snapshotTimer.onTimeout() || shared.roster.sessionCount === 0) return;
    shared.isSnapshotDue = true;
    this.#writer.add({ type: 'snapshot' });
  }

  #setUnavailable(reason: string): void {
    this.#unavailable = reason;
    this.#writer.refuseWaiting(reason);
  }
}
