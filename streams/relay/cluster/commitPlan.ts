import type { CommittedEvent } from '../log/commitQueue.js';
import { completeJoin } from '../log/completeJoin.js';
import type { RoomLog } from '../log/roomLog.js';
import { formatBatch } from './batch.js';
import { concatBytes } from './fields.js';
import type { Plan, PlannedEvent } from './plan.js';
import type { Reservation } from './reservation.js';
import type { RoomContext } from './roomContext.js';

/** A snapshot is written after so many batches, and more rarely if there are many members. */
const MIN_SNAPSHOT_INTERVAL = 32;

/** Returns whether a plan has to be stored, so that a batch is appended. */
export const needsBatch = ({ lineCount, changes, handoffs, newGeneration, needsSnapshot }: Plan): boolean =>
  lineCount + changes.length + handoffs.length > 0 || newGeneration !== undefined || needsSnapshot;

/** A batch that is to be appended. */
export interface FormattedBatch {
  readonly bytes: Uint8Array;
  /** What must be reserved before. The first batch of a log needs no reservation: without one the log is not continued. */
  readonly reservation: Reservation | undefined;
}

/** Formats the batch of a plan, which follows the last valid one. */
export const formatPlan = ({ shared, options }: RoomContext, plan: Plan, number: number): FormattedBatch => {
  const { chain, roster, isSnapshotDue } = shared;
  const { newGeneration } = plan;
  const interval = Math.max(MIN_SNAPSHOT_INTERVAL, roster.sessionCount / 8);
  const isSnapshotOld = chain.sinceSnapshot >= interval;
  const hasSnapshot = chain.tail === 0 || newGeneration !== undefined || isSnapshotDue || isSnapshotOld;
  const { log, generation, base, next } =
    newGeneration === undefined
      ? chain
      : { log: undefined, generation: newGeneration, base: chain.tail, next: 1 };
  const bytes = formatBatch({
    log: log ?? options.logId(),
    generation,
    base,
    previous: chain.tail,
    first: next,
    writer: options.writer,
    number,
    snapshotAddress: chain.snapshotAddress,
    sinceSnapshot: hasSnapshot ? 0 : chain.sinceSnapshot + 1,
    snapshot: hasSnapshot ? [...roster.entries()] : undefined,
    changes: plan.changes,
    handoffs: plan.handoffs,
    lines: { bytes: concatBytes(plan.lines), count: plan.lineCount },
  });
  const reservation = log === undefined ? undefined : { log, generation, end: next + plan.lineCount };
  return { bytes, reservation };
};

/** Commits a plan whose batch is valid: its state becomes the state of the room, and its events are emitted. */
export const commitPlan = (context: RoomContext, plan: Plan, first: number, grew: boolean): void => {
  const { shared, locals, options } = context;
  shared.roster = plan.roster;
  context.announcements = plan.announcements;
  if (plan.startsInterval)
    context.schedule({ type: 'timer', pending: { type: 'coalesced' } }, options.coalesceMs);
  for (const { type, member } of plan.changes) {
    if (type === 'away') context.expire(member);
    else locals.forgetIfGone(member, plan.roster);
  }
  for (const item of plan.items) if (item.type === 'leave') locals.onLeave(item.local, plan.roster);
  context.emit(
    plan.events.flatMap((event) => toCommitted(context, event, first)),
    grew,
  );
};

const toCommitted = (
  { shared, options, isRefused }: RoomContext,
  planned: PlannedEvent,
  first: number,
): CommittedEvent[] => {
  if (planned.type === 'announced' || planned.type === 'not-stored') return [planned];
  if (planned.type !== 'joined') return isRefused(planned.member) ? [] : [planned];
  const { event, pending, linesBefore } = planned;
  if (isRefused(event.member)) return [];
  const { hash, durability } = options;
  const log = shared.log as RoomLog;
  const { entries } = pending;
  return [completeJoin(event, { log, next: first + linesBefore, hash, durability, entries })];
};
