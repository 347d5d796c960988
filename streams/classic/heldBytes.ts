/** The bytes of a stream that are not dealt with yet, in one piece. */
export interface HeldBytes {
  /** Their memory, good until the next `append` or `drop`; the bytes behind `size` mean nothing. */
  readonly bytes: Uint8Array;
  readonly size: number;
  append(chunk: Uint8Array): void;
  /** Forgets the first `count` bytes. */
  drop(count: number): void;
}

const SMALLEST = 256;

/** Memory that is kept although it is not needed now. */
const KEPT = 65_536;

/** Bytes that grow at one end and go at the other; `expected` is how many there should be at most at a time. */
export const heldBytes = (expected: number): HeldBytes => {
  let bytes = new Uint8Array(SMALLEST);
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
      if (bytes.length > KEPT && size < SMALLEST) resize(SMALLEST);
    },
  };
};
