/** Whole lines that make one record. */
export interface Piece {
  readonly slices: readonly Uint8Array[];
  readonly count: number;
}

const NEWLINE = 10;

/**
 * A batch in pieces of at most `limit` bytes or one longer line, sharing its memory. `undefined` where a slice does not
 * end with a newline.
 */
export const cut = (slices: readonly Uint8Array[], limit: number): readonly Piece[] | undefined => {
  const pieces: Piece[] = [];
  let taken: Uint8Array[] = [];
  let size = 0;
  let count = 0;

  const end = () => {
    if (count > 0) pieces.push({ slices: taken, count });
    taken = [];
    size = 0;
    count = 0;
  };

  for (const slice of slices) {
    if (slice.at(-1) !== NEWLINE) return undefined;
    /** Where in this slice the piece begins, and where the line does. */
    let from = 0;
    let line = 0;
    while (line < slice.length) {
      const after = slice.indexOf(NEWLINE, line) + 1;
      if (count > 0 && size + after - line > limit) {
        if (from < line) taken.push(slice.subarray(from, line));
        end();
        from = line;
      }
      size += after - line;
      count += 1;
      line = after;
    }
    taken.push(slice.subarray(from));
  }
  end();
  return pieces;
};

/** How many lines there are. */
export const countLines = (bytes: Uint8Array): number => {
  let count = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) count += 1;
  return count;
};

/** The bytes after so many lines. */
export const dropLines = (bytes: Uint8Array, lines: number): Uint8Array => {
  let from = 0;
  for (let n = 0; n < lines; n += 1) from = bytes.indexOf(NEWLINE, from) + 1;
  return bytes.subarray(from);
};
