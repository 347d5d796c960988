import {
  MIN_TOKEN_LENGTH,
  TOKEN_BLOCK_BYTES,
  TOKEN_CIPHERTEXT_OFFSET,
  TOKEN_HMAC_BYTES,
} from '../../wire/entry.js';

/* Tokens in the unprocessed bytes of a stream: the buffer, and how a token in it is recognised. */

/** The unprocessed bytes of a stream, in one array. */
export interface ByteBuffer {
  /** The memory, valid until the next `append` or `drop`. Bytes after `size` are undefined. */
  readonly bytes: Uint8Array;
  readonly size: number;
  append(chunk: Uint8Array): void;
  /** Removes the first `count` bytes. */
  drop(count: number): void;
}

const MIN_CAPACITY = 256;

/** The largest capacity that an almost empty buffer keeps, in bytes. */
const MAX_IDLE_CAPACITY = 65_536;

/** Creates a buffer that grows at its end and is consumed from its start. `expected` is its usual maximum in bytes. */
export const byteBuffer = (expected: number): ByteBuffer => {
  let bytes = new Uint8Array(MIN_CAPACITY);
  let size = 0;

  const resize = (length: number): void => {
    const resized = new Uint8Array(length);
    resized.set(bytes.subarray(0, size));
    bytes = resized;
  };

  return {
    get bytes() {
      return bytes;
    },
    get size() {
      return size;
    },
    append: (chunk) => {
      const needed = size + chunk.length;
      if (needed > bytes.length) resize(Math.max(needed, Math.min(2 * needed, expected)));
      bytes.set(chunk, size);
      size = needed;
    },
    drop: (count) => {
      bytes.copyWithin(0, count, size);
      size -= count;
      if (bytes.length > MAX_IDLE_CAPACITY && size < MIN_CAPACITY) resize(MIN_CAPACITY);
    },
  };
};

/*
 * The shape of a Fernet token in text form that is known without the key: its first characters, its alphabet and its
 * length. Base64 makes 4 characters of 3 bytes.
 */

/** The first characters of a token: version 0x80 and the first bytes of the time, which are 0 until the year 2514. */
export const TOKEN_PREFIX = 'gAAAAA';

/** The bytes of a token around its ciphertext. */
const OVERHEAD_BYTES = TOKEN_CIPHERTEXT_OFFSET + TOKEN_HMAC_BYTES;

/** Returns the length in characters of the token of a plaintext of `plaintext` bytes. */
export const tokenLength = (plaintext: number): number =>
  4 * Math.ceil((OVERHEAD_BYTES + TOKEN_BLOCK_BYTES * (Math.floor(plaintext / TOKEN_BLOCK_BYTES) + 1)) / 3);

/** The maximum size of the text of a message in bytes: 1 MiB. */
export const MAX_TEXT_BYTES = 1_048_576;

/** The maximum size of a nick in bytes. */
const MAX_NICK_BYTES = 128;

/** The maximum length of a token in characters: a nick, `: ` and a text of 1 MiB. */
export const MAX_TOKEN_LENGTH: number = tokenLength(MAX_NICK_BYTES + 2 + MAX_TEXT_BYTES);

/** Returns how many `=` complete a token of `characters`, or `undefined` if no token has that length. */
export const paddingFor = (characters: number): 0 | 1 | 2 | undefined => {
  if (characters < MIN_TOKEN_LENGTH - 2) return undefined;
  const bytes = Math.floor((characters * 3) / 4);
  if (characters % 4 === 1 || (bytes - OVERHEAD_BYTES) % TOKEN_BLOCK_BYTES !== 0) return undefined;
  return ((4 - (characters % 4)) % 4) as 0 | 1 | 2;
};

const PREFIX_BYTES = Array.from(TOKEN_PREFIX, (character) => character.charCodeAt(0));
const LAST_PREFIX_BYTE = TOKEN_PREFIX.charCodeAt(TOKEN_PREFIX.length - 1);

/** Returns whether the bytes before `end` are a token prefix. */
export const prefixEndsAt = (bytes: Uint8Array, end: number): boolean =>
  // The last byte first, because this is called for each byte of a token.
  bytes[end - 1] === LAST_PREFIX_BYTE &&
  end >= TOKEN_PREFIX.length &&
  PREFIX_BYTES.every((byte, at) => bytes[end - TOKEN_PREFIX.length + at] === byte);

/** Returns the index of a token prefix between `from` and `end`, or -1. */
export const findPrefix = (bytes: Uint8Array, from: number, end: number): number => {
  const [first] = PREFIX_BYTES as [number];
  for (
    let at = bytes.indexOf(first, from);
    at >= 0 && at + TOKEN_PREFIX.length <= end;
    at = bytes.indexOf(first, at + 1)
  )
    if (prefixEndsAt(bytes, at + TOKEN_PREFIX.length)) return at;
  return -1;
};

/** Returns how many bytes before `end` may be the first part of a token prefix. */
export const partialPrefixLength = (bytes: Uint8Array, end: number): number => {
  for (let length = Math.min(TOKEN_PREFIX.length - 1, end); length > 0; length -= 1)
    if (PREFIX_BYTES.slice(0, length).every((byte, at) => bytes[end - length + at] === byte)) return length;
  return 0;
};

/** Returns whether a token is authentic. */
export type Authenticator = (token: Uint8Array) => boolean;

/** How many bytes of a run of token characters may be the text that follows the token, such as a nick. */
const MAX_TAIL_BYTES = 256;

export const PADDING_BYTE = 61;

/** Returns whether the bytes from `from` to `to` are a token. Without a key, any bytes of that shape are. */
export const isToken = (
  { bytes }: ByteBuffer,
  from: number,
  to: number,
  isAuthentic: Authenticator | undefined,
): boolean => isAuthentic?.(bytes.subarray(from, to)) ?? true;

/**
 * Returns where the token ends that begins at `from`, in a run of characters that ends at `end`.
 *
 * Returns `undefined` if no token begins there, and `undecided` if its padding has not arrived yet.
 */
export const findTokenEnd = (
  buffer: ByteBuffer,
  from: number,
  end: number,
  isAuthentic: Authenticator | undefined,
): number | 'undecided' | undefined => {
  const padding = paddingFor(end - from);
  if (padding !== undefined) {
    let to = end;
    while (to < end + padding && to < buffer.size && buffer.bytes[to] === PADDING_BYTE) to += 1;
    if (to < end + padding && to === buffer.size) return 'undecided';
    if (to === end + padding && isToken(buffer, from, to, isAuthentic)) return to;
  }
  // Without a key, a token and a nick look like a longer damaged token.
  if (isAuthentic === undefined) return undefined;
  for (let to = end - 1; to >= Math.max(from + MIN_TOKEN_LENGTH, end - MAX_TAIL_BYTES); to -= 1)
    if (paddingFor(to - from) === 0 && isToken(buffer, from, to, isAuthentic)) return to;
  return undefined;
};
