import fc from 'fast-check';

/** Generates bytes, and a way to cut them into chunks, including empty ones. */
export const chunkedBytes = (bytes: fc.Arbitrary<Uint8Array>): fc.Arbitrary<[Uint8Array, Uint8Array[]]> =>
  fc
    .tuple(bytes, fc.array(fc.nat(), { maxLength: 12 }))
    .map(([whole, marks]) => [whole, splitAt(whole, marks)]);

const splitAt = (whole: Uint8Array, offsets: readonly number[]): Uint8Array[] => {
  const ends = offsets.map((mark) => mark % (whole.length + 1)).sort((a, b) => a - b);
  return [...ends, whole.length].map((end, n) => whole.slice(n === 0 ? 0 : ends[n - 1], end));
};

/** Cuts bytes into chunks of one byte. */
export const singleBytes = (whole: Uint8Array): Uint8Array[] =>
  Array.from({ length: whole.length }, (_, at) => whole.slice(at, at + 1));
