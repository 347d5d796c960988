/** The bytes are not in the expected format: too short, too long, or with an invalid value. */
export class BytesError extends Error {
  override readonly name = 'BytesError';
}

/** Formats a whole number as `size` bytes, the highest first. Throws a `RangeError` if it does not fit. */
const formatUnsigned = (value: number, size: number): Uint8Array => {
  if (!Number.isSafeInteger(value) || value < 0 || value >= 256 ** size)
    throw new RangeError(`${value} does not fit into ${size} bytes`);
  const bytes = new Uint8Array(size);
  for (let at = size - 1, left = value; at >= 0; at -= 1, left = Math.floor(left / 256))
    bytes[at] = left % 256;
  return bytes;
};

/** Formats a number from 0 to 255 as one byte. */
export const u8 = (value: number): Uint8Array => formatUnsigned(value, 1);
/** Formats a number below 2^16 as two bytes, the highest first. */
export const u16 = (value: number): Uint8Array => formatUnsigned(value, 2);
/** Formats a number below 2^32 as four bytes, the highest first. */
export const u32 = (value: number): Uint8Array => formatUnsigned(value, 4);
/** Formats a safe integer as eight bytes, the highest first. */
export const u64 = (value: number): Uint8Array => formatUnsigned(value, 8);

/** Concatenates byte arrays into a new one. */
export const concatBytes = (...parts: readonly Uint8Array[]): Uint8Array => {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
};

/** Prefixes bytes with their length (`u32`). */
export const lengthPrefixed = (bytes: Uint8Array): Uint8Array => concatBytes(u32(bytes.length), bytes);

/** Formats a list: its length (`u16`), then each item. */
export const formatList = <T>(items: readonly T[], formatItem: (item: T) => Uint8Array): Uint8Array =>
  concatBytes(u16(items.length), ...items.map(formatItem));

/** Formats a boolean as one byte. */
export const flag = (value: boolean): Uint8Array => u8(value ? 1 : 0);

/** Formats a value that can be missing: a flag, then the value. */
export const formatOptional = <T>(value: T | undefined, format: (value: T) => Uint8Array): Uint8Array =>
  value === undefined ? flag(false) : concatBytes(flag(true), format(value));

/** Compares two byte arrays in a time that depends only on their lengths, as far as JavaScript allows. */
export const equalBytes = (one: Uint8Array, other: Uint8Array): boolean => {
  if (one.length !== other.length) return false;
  let difference = 0;
  for (const [at, byte] of one.entries()) difference |= byte ^ (other[at] ?? 0);
  return difference === 0;
};

/**
 * Reads numbers and byte strings one after the other.
 *
 * Each method throws a `BytesError` instead of reading past the end. The byte strings are copies: they do not keep the
 * input in memory.
 *
 * @example
 * import { ByteReader } from './bytes.js';
 *
 * const reader = new ByteReader(Uint8Array.of(0, 7, 1, 2));
 * console.log(reader.u16(), reader.rest()); // 7, Uint8Array [1, 2]
 */
export class ByteReader {
  private position = 0;
  private readonly input: Uint8Array;

  constructor(input: Uint8Array) {
    this.input = input;
  }

  /** Reads `length` bytes. */
  bytes(length: number): Uint8Array {
    const start = this.advance(length);
    // Not `slice`, which is a view of the same memory if the input is a `Buffer`.
    return new Uint8Array(this.input.subarray(start, start + length));
  }

  /** Reads a number of one byte. */
  u8(): number {
    return this.unsigned(1);
  }

  /** Reads a number of two bytes. */
  u16(): number {
    return this.unsigned(2);
  }

  /** Reads a number of four bytes. */
  u32(): number {
    return this.unsigned(4);
  }

  /** Reads a safe integer of eight bytes. */
  u64(): number {
    const value = this.unsigned(8);
    if (!Number.isSafeInteger(value)) throw new BytesError('the number is larger than 2^53 - 1');
    return value;
  }

  /** Reads bytes that follow their length (`u32`). */
  lengthPrefixed(): Uint8Array {
    return this.bytes(this.u32());
  }

  /** Reads a list: its length (`u16`), then each item. */
  list<T>(readItem: () => T): T[] {
    const items: T[] = [];
    for (let count = this.u16(); count > 0; count -= 1) items.push(readItem());
    return items;
  }

  /** Reads a boolean of one byte. */
  flag(): boolean {
    const value = this.u8();
    if (value > 1) throw new BytesError('a flag is 0 or 1');
    return value === 1;
  }

  /** Reads a value that can be missing: a flag, then the value. */
  optional<T>(read: () => T): T | undefined {
    return this.flag() ? read() : undefined;
  }

  /** Reads all bytes that are left. */
  rest(): Uint8Array {
    return this.bytes(this.input.length - this.position);
  }

  /** Throws a `BytesError` if there are bytes left. */
  end(): void {
    const left = this.input.length - this.position;
    if (left > 0) throw new BytesError(`${left} bytes after the end`);
  }

  private unsigned(size: number): number {
    const start = this.advance(size);
    let value = 0;
    for (let at = start; at < start + size; at += 1) value = value * 256 + (this.input[at] ?? 0);
    return value;
  }

  private advance(length: number): number {
    const start = this.position;
    if (length > this.input.length - start)
      throw new BytesError(`${length} bytes expected at ${start} of ${this.input.length}`);
    this.position += length;
    return start;
  }
}

/** Returns whether all bytes are zero. A loop: `every` takes ten times as long, and frames are mostly padding. */
export const isZero = (bytes: Uint8Array): boolean => {
  let bits = 0;
  for (let at = 0; at < bytes.length; at += 1) bits |= bytes[at] ?? 0;
  return bits === 0;
};

/**
 * Reads a value from all of the bytes, or returns `undefined` if they are not in its format.
 *
 * Bytes after the value make the format wrong, so that a value has one format only.
 */
export const parseBytes = <T>(bytes: Uint8Array, read: (reader: ByteReader) => T): T | undefined => {
  const reader = new ByteReader(bytes);
  try {
    const value = read(reader);
    reader.end();
    return value;
  } catch (error) {
    if (error instanceof BytesError) return undefined;
    throw error;
  }
};
