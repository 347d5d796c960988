import type { Lines } from '../../wire/lines.js';
import type { Gap } from '../log/history.js';

/** Entries of a log from position `first` to before `next`, or that they are not stored. */
export interface Block {
  readonly first: number;
  readonly next: number;
  /** The lines of the entries; `undefined` if they are not stored. */
  readonly bytes: Uint8Array | undefined;
}

/** Default limit in bytes of the blocks of all rooms. */
export const DEFAULT_CACHE_BYTES = 16_777_216;

/** What a block takes besides its lines. */
const BLOCK_BYTES = 200;
const NEWLINE = 10;

/** The blocks of one log that are in memory. */
export interface LogBlocks {
  /** Returns the lines from a position on, or a gap; `undefined` if no block has the position. */
  find(position: number): Lines | Gap | undefined;
  add(block: Block): void;
}

/**
 * Keeps blocks of logs in memory, those that were read last, up to a limit.
 *
 * All rooms of a relay share one, so that reading the past of many rooms does not take memory for each.
 */
export class BlockCache {
  readonly #maxBytes: number;
  /** The blocks with their logs. The first one was not used for the longest time. */
  readonly #owners = new Map<Block, Set<Block>>();
  #byteLength = 0;

  constructor(maxBytes: number = DEFAULT_CACHE_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes of all blocks. */
  get byteLength(): number {
    return this.#byteLength;
  }

  /** Returns the blocks of a new log. */
  openLog(): LogBlocks {
    const blocks = new Set<Block>();
    return {
      find: (position) => {
        for (const block of blocks)
          if (block.first <= position && position < block.next) {
            this.#owners.delete(block);
            this.#owners.set(block, blocks);
            return readFrom(block, position);
          }
        return undefined;
      },
      add: (block) => {
        blocks.add(block);
        this.#owners.set(block, blocks);
        this.#byteLength += sizeOf(block);
        this.#evict(block);
      },
    };
  }

  /** Removes old blocks, but not the one that was just added: its readers are about to read it. */
  #evict(added: Block): void {
    for (const [block, owner] of this.#owners) {
      if (this.#byteLength <= this.#maxBytes || block === added) return;
      this.#owners.delete(block);
      owner.delete(block);
      this.#byteLength -= sizeOf(block);
    }
  }
}

const sizeOf = ({ bytes }: Block): number => BLOCK_BYTES + (bytes?.length ?? 0);

const readFrom = ({ first, next, bytes }: Block, position: number): Lines | Gap => {
  if (bytes === undefined) return { from: position, to: next - 1 };
  let offset = 0;
  for (let n = first; n < position; n += 1) offset = bytes.indexOf(NEWLINE, offset) + 1;
  return { bytes: bytes.subarray(offset), count: next - position };
};
