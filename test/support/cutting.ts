import fc from 'fast-check';

/** Some bytes, and a way to cut them into chunks, empty ones included. */
export const cutBytes = (bytes: fc.Arbitrary<Uint8Array>): fc.Arbitrary<[Uint8Array, Uint8Array[]]> =>
  fc.tuple(bytes, fc.array(fc.nat(), { maxLength: 12 })).map(([whole, marks]) => [whole, cut(whole, marks)]);

const cut = (whole: Uint8Array, marks: readonly number[]): Uint8Array[] => {
  const ends = marks.map((mark) => mark % (whole.length + 1)).sort((a, b) => a - b);
  return [...ends, whole.length].map((end, n) => whole.slice(n === 0 ? 0 : ends[n - 1], end));
};

/** One chunk for each byte. */
export const byteByByte = (whole: Uint8Array): Uint8Array[] =>
  Array.from({ length: whole.length }, (_, at) => whole.slice(at, at + 1));
