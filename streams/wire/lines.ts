import { defer, type OperatorFunction } from 'rxjs';
import { eachOf } from './eachOf.js';
import { ProtocolError } from './errors.js';

/**
 * Whole lines, still in the chunk that they came in: `bytes` ends in `\n` and holds `count` of them. A batch, so that
 * the hot path makes no object per line.
 */
export interface Lines {
  readonly bytes: Uint8Array;
  readonly count: number;
}

/** The longest line in bytes, its `\n` included, where nothing else was said. */
export const LINE_LIMIT = 65_536;

const NEWLINE = 10;
const NOTHING = new Uint8Array(0);

/**
 * Chunks in, whole lines out: framing. `limit` is the longest line in bytes, `first` that of the first line.
 *
 * What a chunk ends with and no newline ended is carried into the next one, in a buffer that grows with what was
 * really sent and never past `limit`. Completes with its source; a line that was not ended by then is no line and is
 * dropped. A line longer than `limit` bytes (its newline included) is an error at once, however it was cut: the lines
 * before it are emitted first, and the endless line is not waited for.
 *
 * Batches share memory with the chunks, so they are good only during their own emission.
 *
 * ```text
 * chunk   --"a\nb"---"\nc\n"----"d"--|
 *           lines()
 * lines   --a--------(bc)------------|
 * ```
 *
 * @example
 * import { of } from 'rxjs';
 * import { encodeText, lines } from 'rxchat/streams';
 *
 * of(encodeText('one\ntw'), encodeText('o\n'))
 *   .pipe(lines())
 *   .subscribe({ next: ({ count }) => console.log(count), error: console.error }); // 1, 1
 */
export const lines =
  ({ limit = LINE_LIMIT, first = limit }: { limit?: number; first?: number } = {}): OperatorFunction<
    Uint8Array,
    Lines
  > =>
  (chunk$) =>
    defer(() => chunk$.pipe(eachOf(lineSplitter({ limit, first }))));

/** What `lines` does to each chunk: one splitter holds the unfinished line of one stream. */
export const lineSplitter = ({
  limit: later,
  first,
}: {
  limit: number;
  first: number;
}): ((chunk: Uint8Array) => Iterable<Lines>) => {
  let carry = NOTHING;
  let carried = 0;
  let limit = Math.min(first, later);

  const keep = (bytes: Uint8Array) => {
    const size = carried + bytes.length;
    if (size > carry.length) {
      // Doubling, so that a line sent byte by byte costs its length and not the square of it.
      const grown = new Uint8Array(Math.min(limit, Math.max(64, 2 * size)));
      grown.set(carry.subarray(0, carried));
      carry = grown;
    }
    carry.set(bytes, carried);
    carried = size;
  };

  return (chunk) => {
    const batches: Lines[] = [];
    const tooLong = function* (): Generator<Lines> {
      yield* batches;
      throw new ProtocolError('line-too-long', `a line is longer than ${limit} bytes`);
    };

    let from = 0;
    if (carried > 0) {
      const end = chunk.indexOf(NEWLINE) + 1;
      const head = end > 0 ? chunk.subarray(0, end) : chunk;
      if (carried + head.length + (end > 0 ? 0 : 1) > limit) return tooLong();
      keep(head);
      if (end === 0) return batches;
      batches.push({ bytes: carry.subarray(0, carried), count: 1 });
      carry = NOTHING;
      carried = 0;
      limit = later;
      from = end;
    }

    let end = from;
    let count = 0;
    let at: number;
    while ((at = chunk.indexOf(NEWLINE, end)) >= 0 && at + 1 - end <= limit) {
      end = at + 1;
      count += 1;
      limit = later;
    }
    if (count > 0) batches.push({ bytes: chunk.subarray(from, end), count });
    if (at >= 0 || chunk.length - end >= limit) return tooLong();
    if (end < chunk.length) keep(chunk.subarray(end));
    return batches;
  };
};

/** The single lines of a batch, each with its newline: for handshakes and clients, which look into each. */
export function* eachLine({ bytes }: Lines): Generator<Uint8Array> {
  for (let from = 0; from < bytes.length;) {
    const end = bytes.indexOf(NEWLINE, from) + 1;
    yield bytes.subarray(from, end);
    from = end;
  }
}
