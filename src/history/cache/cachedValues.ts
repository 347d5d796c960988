import type { CachedRecord } from '../../../streams/relay/cluster/ledger.js';
import { addChecksum, verifyChecksum } from '../layout/records.js';

/** What a cache knows of a room. */
export interface CachedRoomState {
  /** Space of its records in bytes. */
  readonly byteLength: number;
  /** The highest address of its records. */
  readonly last: number;
  /** When it was used last, in ms since 1970. */
  readonly usedAt: number;
}

/** Length of checksum, time, and checksum of the record before, with a flag. */
const RECORD_HEADER = 17;
/** Length of checksum and three numbers. */
const ROOM_BYTES = 28;

/** Larger values have pages of their own. */
const MAX_INLINE_BYTES = 2000;
const PAGE_BYTES = 4096;
/** What a value takes besides its bytes: key and page headers. */
const OVERHEAD_BYTES = 100;

/** Returns about the space in bytes that lmdb needs for a value. */
export const spaceOf = ({ length }: Uint8Array): number =>
  length <= MAX_INLINE_BYTES
    ? length + OVERHEAD_BYTES
    : Math.ceil((length + OVERHEAD_BYTES) / PAGE_BYTES) * PAGE_BYTES + OVERHEAD_BYTES;

/** Encodes a record as the value of a key, which has its address. */
export const encodeCachedRecord = (
  key: Uint8Array,
  { bytes, previousChecksum }: Pick<CachedRecord, 'bytes' | 'previousChecksum'>,
  storedAt: number,
): Uint8Array => {
  const value = Buffer.allocUnsafe(RECORD_HEADER + bytes.length);
  value.writeDoubleBE(storedAt, 4);
  value.writeUInt8(previousChecksum === undefined ? 0 : 1, 12);
  value.writeUInt32BE(previousChecksum ?? 0, 13);
  value.set(bytes, RECORD_HEADER);
  return addChecksum(key, value);
};

/** Decodes what `encodeCachedRecord` returned, without copying, or returns `undefined` if the checksum does not match. */
export const decodeCachedRecord = (
  key: Uint8Array,
  value: Uint8Array,
): (Omit<CachedRecord, 'address'> & { readonly storedAt: number }) | undefined => {
  const content = verifyChecksum(key, value, RECORD_HEADER);
  return (
    content && {
      storedAt: content.readDoubleBE(4),
      previousChecksum: content[12] === 0 ? undefined : content.readUInt32BE(13),
      bytes: content.subarray(RECORD_HEADER),
    }
  );
};

/** Encodes the state of a room as the value of a key. */
export const encodeCachedRoom = (
  key: Uint8Array,
  { byteLength, last, usedAt }: CachedRoomState,
): Uint8Array => {
  const value = Buffer.allocUnsafe(ROOM_BYTES);
  value.writeDoubleBE(byteLength, 4);
  value.writeDoubleBE(last, 12);
  value.writeDoubleBE(usedAt, 20);
  return addChecksum(key, value);
};

/** Decodes what `encodeCachedRoom` returned, or returns `undefined` if the checksum does not match. */
export const decodeCachedRoom = (key: Uint8Array, value: Uint8Array): CachedRoomState | undefined => {
  const content = verifyChecksum(key, value, ROOM_BYTES);
  return (
    content && {
      byteLength: content.readDoubleBE(4),
      last: content.readDoubleBE(12),
      usedAt: content.readDoubleBE(20),
    }
  );
};
