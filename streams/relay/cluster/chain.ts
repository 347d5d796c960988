import { isBatch, parseBatch, type RoomBatch } from './batch.js';
import type { LedgerRecord } from './ledger.js';

/** How far a reader has read a room, and what the next valid batch must be. */
export interface Chain {
  /** Id of the log; `undefined` before the first batch. */
  readonly log: string | undefined;
  /** Rises with each log of the room. */
  readonly generation: number;
  /** Address of the last valid batch of the former log; 0 for the first log of the room. */
  readonly base: number;
  /** Address of the last valid batch; 0 before the first. */
  readonly tail: number;
  /** Address of the last record that was read, valid or not. */
  readonly read: number;
  /** Position of the next entry. */
  readonly next: number;
  /** Address of the newest valid batch with a snapshot; 0 before the first. */
  readonly snapshotAddress: number;
  /** Number of valid batches since then. */
  readonly sinceSnapshot: number;
  /** Address up to which void batches show nothing about this reader: they were there when it opened the room. */
  readonly openedAt: number;
  /** The newest void batches after that. */
  readonly voids: readonly VoidBatch[];
}

/** A void batch, and the number of void batches that end with it and follow each other. */
interface VoidBatch {
  readonly address: number;
  readonly length: number;
}

/** Why a reader cannot continue. */
export type ChainFault = 'newer-version' | 'other-log' | 'wrong-position' | 'wrong-branch';

/** What a record means: its batch is valid, it is void, or the reader cannot continue. */
export type ChainStep =
  | { readonly type: 'valid'; readonly chain: Chain; readonly batch: RoomBatch }
  | { readonly type: 'void'; readonly chain: Chain }
  | { readonly type: 'fault'; readonly fault: ChainFault };

/** Number of void batches that follow each other, after which the reader is on another branch than their writers. */
const MAX_BRANCH_LENGTH = 3;
/** Number of void batches that a reader remembers. */
const MAX_VOIDS = 16;

/** The chain of a room without records. */
export const EMPTY_CHAIN: Chain = {
  log: undefined,
  generation: 0,
  base: 0,
  tail: 0,
  read: 0,
  next: 1,
  snapshotAddress: 0,
  sinceSnapshot: 0,
  openedAt: 0,
  voids: [],
};

/** Returns the chain before a batch that is known to be valid, such as the batch of a snapshot. */
export const chainBefore = (address: number, batch: RoomBatch): Chain => ({
  ...EMPTY_CHAIN,
  log: batch.log,
  generation: batch.generation,
  base: batch.base,
  tail: batch.previous,
  read: address - 1,
  next: batch.first,
  snapshotAddress: batch.snapshotAddress,
});

/**
 * Reads the next record of a room, by the rule that all readers share.
 *
 * A batch is valid if its `previous` is the address of the last valid batch. Any other batch is void, for every reader and for
 * ever. So all readers have the same log, even if the engine accepted appends whose condition did not hold.
 *
 * The first batch of a room decides the log and its first position: a log continues after all its records have expired. Its
 * generation is a later one then, so that readers of expired records accept it, too.
 *
 * A valid batch whose `base` is its `previous` begins a log, at position 1. A relay writes one if the engine has lost records,
 * since the positions of the former log were given to other entries.
 *
 * A reader cannot continue after another valid batch of another log or with a wrong first position: the engine has lost or changed
 * something. The same holds for a record of a newer version, since it cannot know whether that is valid. Void batches
 * that follow each other show that their writers have read other records than this reader. Others may lie between them.
 *
 * ```text
 * address    1     2     3     4     5
 * previous   0     1     1     2     3
 *            valid valid void  valid void
 * ```
 */
export const readRecord = (chain: Chain, { address, bytes }: LedgerRecord): ChainStep => {
  const batch = parseBatch(bytes);
  if (isBatch(batch)) return readBatch(chain, address, batch);
  return batch.type === 'newer'
    ? fault('newer-version')
    : { type: 'void', chain: { ...chain, read: address } };
};

/** Whether a batch that follows the last valid one begins a log. */
export const beginsLog = (chain: Chain, { log, base, previous }: RoomBatch): boolean =>
  previous === base && log !== chain.log;

/** Reads the next record of a room, which has this batch. See `readRecord`. */
export const readBatch = (chain: Chain, address: number, batch: RoomBatch): ChainStep => {
  const isUnbound = chain.tail === 0 || isContinuation(chain, batch);
  if (batch.previous !== (isUnbound ? 0 : chain.tail)) return readVoid(chain, address, batch.previous);
  const reason = isUnbound ? undefined : findFault(chain, batch);
  if (reason !== undefined) return fault(reason);
  const { log, base, first } = batch;
  const hasSnapshot = batch.snapshot !== undefined;
  return {
    type: 'valid',
    batch,
    chain: {
      log,
      generation: batch.generation,
      base,
      tail: address,
      read: address,
      next: first + batch.lines.count,
      snapshotAddress: hasSnapshot ? address : chain.snapshotAddress,
      sinceSnapshot: hasSnapshot ? 0 : chain.sinceSnapshot + 1,
      openedAt: chain.openedAt,
      voids: chain.voids,
    },
  };
};

/** Whether a batch continues the log after all of its records have expired, which this reader has still read. */
const isContinuation = (chain: Chain, { previous, log, generation, first }: RoomBatch): boolean =>
  previous === 0 && log === chain.log && generation > chain.generation && first >= chain.next;

/** Returns why a batch cannot follow the last valid one, although it names it. */
const findFault = (chain: Chain, batch: RoomBatch): ChainFault | undefined => {
  const { log, base, first } = batch;
  const isBeginning = beginsLog(chain, batch);
  if (!isBeginning && (log !== chain.log || base !== chain.base)) return 'other-log';
  return first === (isBeginning ? 1 : chain.next) ? undefined : 'wrong-position';
};

const fault = (reason: ChainFault): ChainStep => ({ type: 'fault', fault: reason });

const readVoid = (chain: Chain, address: number, previous: number): ChainStep => {
  if (address <= chain.openedAt) return { type: 'void', chain: { ...chain, read: address } };
  const followed = chain.voids.find((each) => each.address === previous);
  const length = (followed?.length ?? 0) + 1;
  if (length >= MAX_BRANCH_LENGTH) return fault('wrong-branch');
  const voids = [...chain.voids, { address, length }].slice(-MAX_VOIDS);
  return { type: 'void', chain: { ...chain, read: address, voids } };
};
