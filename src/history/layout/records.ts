import { crc32 } from 'node:zlib';
import type { Ancestor } from '../../../streams/wire/fields.js';

/**
 * The time that entries are compared with. It never advances faster than real time: if the system clock jumps
 * ahead, this one continues at its own pace. All times are in ms.
 */
export interface RetentionClock {
  /** The retention time. It equals the system time or is behind it. */
  readonly time: number;
  /** The system time of the last update, in ms since 1970. */
  readonly machine: number;
  /** How long the system clock has run steadily since its last jump. */
  readonly evenMs: number;
}

/** Lines of one record: whole lines that were stored together, or a part of a large batch. */
export interface RecordEntries {
  readonly count: number;
  /** Time when they were stored, in ms since 1970. */
  readonly time: number;
  /** Bytes of lines before this record since the start of the log. */
  readonly offset: number;
  readonly body: Uint8Array;
}

/** The stored state of a room. Byte offsets count from the start of the log, as positions do. */
export interface RoomState {
  readonly id: string;
  /** The oldest retained position, and the offset where it starts. */
  readonly first: number;
  readonly start: number;
  /** The position after the newest one, and the offset where it starts. */
  readonly next: number;
  readonly end: number;
  /**
   * Time when the oldest retained entry was stored, in ms since 1970. For an empty room, the time when it
   * became empty, 0 if unknown.
   */
  readonly oldest: number;
  /** The incarnation of the store in which the log got its id; missing in the first one. */
  readonly incarnation?: number;
  /** The logs that this one continues, newest first; missing if it continues none. */
  readonly ancestors?: readonly Ancestor[];
}

/** What a store says about itself. */
export interface StoreHead {
  readonly version: number;
  /** How often the store was copied or restored. */
  readonly incarnation: number;
  /** Identifies the file of the store; missing in older stores. */
  readonly file?: string | undefined;
  /** Missing in older stores, and in stores without a maximum age. */
  readonly clock?: RetentionClock | undefined;
}

/** Length of checksum, count, time and offset. */
export const RECORD_HEADER = 24;

/** Length of checksum and version. The clock follows, except in older stores, and then the text of the rest. */
const VERSION_BYTES = 8;
const VERSION_WITH_CLOCK_BYTES = VERSION_BYTES + 24;

/** Length of checksum and five numbers. The id follows. */
const ROOM_HEADER = 44;

/**
 * Adds a checksum over the key and the value, since lmdb adds no checksum. It also detects a valid value under a wrong
 * key.
 */
export const addChecksum = (key: Uint8Array, value: Buffer): Uint8Array => {
  value.writeUInt32BE(crc32(value.subarray(4), crc32(key)), 0);
  return value;
};

/** Returns the value of a key if its checksum matches and it is long enough. */
export const verifyChecksum = (key: Uint8Array, value: Uint8Array, header: number): Buffer | undefined => {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (bytes.length < header) return undefined;
  return crc32(bytes.subarray(4), crc32(key)) === bytes.readUInt32BE(0) ? bytes : undefined;
};

/** Encodes lines as the value of a key. */
export const encodeEntries = (
  key: Uint8Array,
  { count, time, offset }: Omit<RecordEntries, 'body'>,
  slices: readonly Uint8Array[],
): Uint8Array => {
  const value = Buffer.allocUnsafe(RECORD_HEADER + totalBytes(slices));
  value.writeUInt32BE(count, 4);
  value.writeDoubleBE(time, 8);
  value.writeDoubleBE(offset, 16);
  let at = RECORD_HEADER;
  for (const slice of slices) {
    value.set(slice, at);
    at += slice.length;
  }
  return addChecksum(key, value);
};

/** Decodes what `encodeEntries` returned, without copying. Returns `undefined` if the checksum does not match. */
export const decodeEntries = (key: Uint8Array, value: Uint8Array): RecordEntries | undefined => {
  const bytes = verifyChecksum(key, value, RECORD_HEADER);
  if (bytes === undefined) return undefined;
  return {
    count: bytes.readUInt32BE(4),
    time: bytes.readDoubleBE(8),
    offset: bytes.readDoubleBE(16),
    body: bytes.subarray(RECORD_HEADER),
  };
};

/**
 * Encodes a record that stands for lost entries: it has a count, and no lines. Readers get a gap for it, and no position means
 * another entry.
 */
export const encodeLostEntries = (key: Uint8Array, lost: Omit<RecordEntries, 'body'>): Uint8Array =>
  encodeEntries(key, lost, []);

/** Whether a record stands for lost entries. */
export const isLost = ({ body }: Pick<RecordEntries, 'body'>): boolean => body.length === 0;

/** Encodes the state of a room as the value of a key. */
export const encodeRoom = (key: Uint8Array, state: RoomState): Uint8Array => {
  const id = Buffer.from(formatLogs(state));
  const value = Buffer.allocUnsafe(ROOM_HEADER + id.length);
  value.writeDoubleBE(state.first, 4);
  value.writeDoubleBE(state.start, 12);
  value.writeDoubleBE(state.next, 20);
  value.writeDoubleBE(state.end, 28);
  value.writeDoubleBE(state.oldest, 36);
  value.set(id, ROOM_HEADER);
  return addChecksum(key, value);
};

/** Decodes what `encodeRoom` returned, or returns `undefined` if the checksum does not match. */
export const decodeRoom = (key: Uint8Array, value: Uint8Array): RoomState | undefined => {
  const bytes = verifyChecksum(key, value, ROOM_HEADER);
  if (bytes === undefined) return undefined;
  return {
    ...parseLogs(bytes.toString('utf8', ROOM_HEADER)),
    first: bytes.readDoubleBE(4),
    start: bytes.readDoubleBE(12),
    next: bytes.readDoubleBE(20),
    end: bytes.readDoubleBE(28),
    oldest: bytes.readDoubleBE(36),
  };
};

/** Formats the id of a log: alone, or in a later incarnation as `<id>/<incarnation>/<log>/<n>/<log>/<n>...`. */
const formatLogs = ({ id, incarnation, ancestors = [] }: RoomState): string =>
  incarnation === undefined
    ? id
    : [id, incarnation, ...ancestors.flatMap(({ log, n }) => [log, n])].join('/');

const parseLogs = (text: string): Pick<RoomState, 'id' | 'incarnation' | 'ancestors'> => {
  const [id = '', incarnation, ...rest] = text.split('/');
  if (incarnation === undefined) return { id };
  const ancestors: Ancestor[] = [];
  for (let at = 0; at < rest.length; at += 2)
    ancestors.push({ log: rest[at] ?? '', n: Number(rest[at + 1]) });
  return { id, incarnation: Number(incarnation), ancestors };
};

/**
 * Encodes what a store says about itself as the value of a key. Relays of version 1 ignore incarnation and file, so a store
 * in a later incarnation needs version 2: otherwise they would read its rooms wrongly.
 */
export const encodeHead = (key: Uint8Array, { version, clock, incarnation, file }: StoreHead): Uint8Array => {
  const text = file === undefined && incarnation === 0 ? '' : `${incarnation} ${file ?? ''}`;
  const hasClock = clock !== undefined || text !== '';
  const length = hasClock ? VERSION_WITH_CLOCK_BYTES : VERSION_BYTES;
  const value = Buffer.allocUnsafe(length + Buffer.byteLength(text));
  value.writeUInt32BE(version, 4);
  if (hasClock) {
    value.writeDoubleBE(clock?.time ?? NaN, VERSION_BYTES);
    value.writeDoubleBE(clock?.machine ?? NaN, VERSION_BYTES + 8);
    value.writeDoubleBE(clock?.evenMs ?? NaN, VERSION_BYTES + 16);
  }
  value.write(text, length);
  return addChecksum(key, value);
};

/** Decodes what `encodeHead` returned, or returns `undefined` if the checksum does not match. */
export const decodeHead = (key: Uint8Array, value: Uint8Array): StoreHead | undefined => {
  const bytes = verifyChecksum(key, value, VERSION_BYTES);
  if (bytes === undefined) return undefined;
  const [, incarnation, file] = /^(\d+) (.*)$/.exec(bytes.toString('utf8', VERSION_WITH_CLOCK_BYTES)) ?? [];
  return {
    version: bytes.readUInt32BE(4),
    incarnation: Number(incarnation ?? 0),
    ...(file && { file }),
    ...(bytes.length >= VERSION_WITH_CLOCK_BYTES && decodeClock(bytes)),
  };
};

const decodeClock = (bytes: Buffer): Pick<StoreHead, 'clock'> => {
  const time = bytes.readDoubleBE(VERSION_BYTES);
  if (Number.isNaN(time)) return {};
  const machine = bytes.readDoubleBE(VERSION_BYTES + 8);
  return { clock: { time, machine, evenMs: bytes.readDoubleBE(VERSION_BYTES + 16) } };
};

/** Returns the total length of the slices in bytes. */
export const totalBytes = (slices: readonly Uint8Array[]): number =>
  slices.reduce((sum, { length }) => sum + length, 0);

const NEWLINE = 10;

/** Counts the lines. */
export const countLines = (bytes: Uint8Array): number => {
  let count = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) count += 1;
  return count;
};

/** Returns the bytes after the first lines. */
export const skipLines = (bytes: Uint8Array, lines: number): Uint8Array => {
  let from = 0;
  for (let n = 0; n < lines; n += 1) from = bytes.indexOf(NEWLINE, from) + 1;
  return bytes.subarray(from);
};
