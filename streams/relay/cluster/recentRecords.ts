import { crc32 } from './crc32.js';
import type { LedgerRecord } from './ledger.js';

/** Number of records that are remembered. */
const MAX_RECORDS = 16;
/** A batch begins with the checksum of all that follows, so its beginning is enough. */
const COMPARED_BYTES = 64;

/** The last records that were read, so that an address that has come to mean another record is noticed. */
export class RecentRecords {
  /** Checksums by address, the oldest first. */
  readonly #checksums = new Map<number, number>();

  /** Adds the record after the last one that was added. */
  add({ address, bytes }: LedgerRecord): void {
    this.#checksums.set(address, checksumOf(bytes));
    const [oldest] = this.#checksums.keys();
    if (this.#checksums.size > MAX_RECORDS && oldest !== undefined) this.#checksums.delete(oldest);
  }

  /** Whether a record is not the one that was read at its address, or is between those that were read. */
  contradicts({ address, bytes }: LedgerRecord): boolean {
    const checksum = this.#checksums.get(address);
    if (checksum !== undefined) return checksum !== checksumOf(bytes);
    const addresses = [...this.#checksums.keys()];
    const [oldest] = addresses;
    return oldest !== undefined && address > oldest && address <= (addresses.at(-1) ?? 0);
  }
}

const checksumOf = (bytes: Uint8Array): number => crc32(bytes.subarray(0, COMPARED_BYTES));
