import { crc32 } from 'node:zlib';
import type { RetentionClock } from './retentionClock.js';

/** Lines as they stand in the store: whole lines that were stored together, or a part of very many. */
export interface Entries {
  readonly count: number;
  /** When they were stored, in ms since 1970. */
  readonly time: number;
  /** How many bytes of lines the log holds before them, counted from its very beginning. */
  readonly offset: number;
  readonly body: Uint8Array;
}

/** What the store knows of a room. Bytes are counted from the log's very beginning, as positions are. */
export interface RoomState {
  readonly id: string;
  /** The oldest position kept, and the bytes before it. */
  readonly first: number;
  readonly start: number;
  /** The position after the newest one, and the bytes before it. */
  readonly next: number;
  readonly end: number;
  /** When the oldest that is kept was stored, in ms since 1970; of an empty room, when it became empty, 0 if unknown. */
  readonly oldest: number;
}

/** The checksum, the count, the time, the offset. */
export const RECORD_HEADER = 24;

/** The checksum and the version; the clock follows, except in older stores. */
const VERSION_BYTES = 8;
const CLOCK_END = VERSION_BYTES + 24;

/** The checksum and five numbers; the id follows. */
const ROOM_HEADER = 44;

/**
 * lmdb has no checksums. Each value has one, over its key too, so that a sound value under a key that is not its own is
 * noticed as well.
 */
const seal = (key: Uint8Array, value: Buffer): Uint8Array => {
  value.writeUInt32BE(crc32(value.subarray(4), crc32(key)), 0);
  return value;
};

const unseal = (key: Uint8Array, value: Uint8Array, header: number): Buffer | undefined => {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (bytes.length < header) return undefined;
  return crc32(bytes.subarray(4), crc32(key)) === bytes.readUInt32BE(0) ? bytes : undefined;
};

/** Lines as a value to be stored under a key. */
export const encodeEntries = (
  key: Uint8Array,
  { count, time, offset }: Omit<Entries, 'body'>,
  slices: readonly Uint8Array[],
): Uint8Array => {
  const value = Buffer.allocUnsafe(RECORD_HEADER + sizeOf(slices));
  value.writeUInt32BE(count, 4);
  value.writeDoubleBE(time, 8);
  value.writeDoubleBE(offset, 16);
  let at = RECORD_HEADER;
  for (const slice of slices) {
    value.set(slice, at);
    at += slice.length;
  }
  return seal(key, value);
};

/** What `encodeEntries` made, sharing its memory; `undefined` where it is not what was stored under that key. */
export const decodeEntries = (key: Uint8Array, value: Uint8Array): Entries | undefined => {
  const bytes = unseal(key, value, RECORD_HEADER);
  if (bytes === undefined) return undefined;
  return {
    count: bytes.readUInt32BE(4),
    time: bytes.readDoubleBE(8),
    offset: bytes.readDoubleBE(16),
    body: bytes.subarray(RECORD_HEADER),
  };
};

/** What is known of a room, as a value to be stored under a key. */
export const encodeRoom = (key: Uint8Array, state: RoomState): Uint8Array => {
  const id = Buffer.from(state.id);
  const value = Buffer.allocUnsafe(ROOM_HEADER + id.length);
  value.writeDoubleBE(state.first, 4);
  value.writeDoubleBE(state.start, 12);
  value.writeDoubleBE(state.next, 20);
  value.writeDoubleBE(state.end, 28);
  value.writeDoubleBE(state.oldest, 36);
  value.set(id, ROOM_HEADER);
  return seal(key, value);
};

/** What `encodeRoom` made; `undefined` where it is not what was stored under that key. */
export const decodeRoom = (key: Uint8Array, value: Uint8Array): RoomState | undefined => {
  const bytes = unseal(key, value, ROOM_HEADER);
  if (bytes === undefined) return undefined;
  return {
    id: bytes.toString('utf8', ROOM_HEADER),
    first: bytes.readDoubleBE(4),
    start: bytes.readDoubleBE(12),
    next: bytes.readDoubleBE(20),
    end: bytes.readDoubleBE(28),
    oldest: bytes.readDoubleBE(36),
  };
};

/** A version and the clock of retention, as a value to be stored under a key. */
export const encodeVersion = (key: Uint8Array, version: number, clock?: RetentionClock): Uint8Array => {
  const value = Buffer.allocUnsafe(clock === undefined ? VERSION_BYTES : CLOCK_END);
  value.writeUInt32BE(version, 4);
  if (clock !== undefined) {
    value.writeDoubleBE(clock.time, VERSION_BYTES);
    value.writeDoubleBE(clock.machine, VERSION_BYTES + 8);
    value.writeDoubleBE(clock.evenMs, VERSION_BYTES + 16);
  }
  return seal(key, value);
};

/** What `encodeVersion` made; `undefined` where it is not what was stored under that key. */
export const decodeVersion = (key: Uint8Array, value: Uint8Array): number | undefined =>
  unseal(key, value, VERSION_BYTES)?.readUInt32BE(4);

/** The clock that `encodeVersion` was given; `undefined` if it was given none. */
export const decodeClock = (key: Uint8Array, value: Uint8Array): RetentionClock | undefined => {
  const bytes = unseal(key, value, CLOCK_END);
  if (bytes === undefined) return undefined;
  return {
    time: bytes.readDoubleBE(VERSION_BYTES),
    machine: bytes.readDoubleBE(VERSION_BYTES + 8),
    evenMs: bytes.readDoubleBE(VERSION_BYTES + 16),
  };
};

/** How many bytes some slices have together. */
export const sizeOf = (slices: readonly Uint8Array[]): number =>
  slices.reduce((sum, { length }) => sum + length, 0);
