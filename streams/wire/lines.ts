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
    defer(() => {
      const splitter = new LineSplitter({ limit, first });
      return chunk$.pipe(eachOf((chunk) => splitter.split(chunk)));
    });

/** What `lines` does to each chunk: a splitter holds the unfinished line of one stream. */
export class LineSplitter {
  readonly #later: number;
  #limit: number;
  #carry = NOTHING;
  #carried = 0;

  constructor({ limit, first }: { readonly limit: number; readonly first: number }) {
    this.#later = limit;
    this.#limit = Math.min(first, limit);
  }

  /** The lines that a chunk ends, by the batch. Iterating throws a `ProtocolError` where one is too long. */
  split(chunk: Uint8Array): Iterable<Lines> {
    const batches: Lines[] = [];

    let from = 0;
    if (this.#carried > 0) {
      const end = chunk.indexOf(NEWLINE) + 1;
      const head = end > 0 ? chunk.subarray(0, end) : chunk;
      if (this.#carried + head.length + (end > 0 ? 0 : 1) > this.#limit) return this.#tooLong(batches);
      this.#keep(head);
      if (end === 0) return batches;
      batches.push({ bytes: this.#carry.subarray(0, this.#carried), count: 1 });
      this.#carry = NOTHING;
      this.#carried = 0;
      this.#limit = this.#later;
      from = end;
    }

    let end = from;
    let count = 0;
    let at: number;
    while ((at = chunk.indexOf(NEWLINE, end)) >= 0 && at + 1 - end <= this.#limit) {
      end = at + 1;
      count += 1;
      this.#limit = this.#later;
    }
    if (count > 0)
      batches.push({ bytes: end - from === chunk.length ? chunk : chunk.subarray(from, end), count });
    if (at >= 0 || chunk.length - end >= this.#limit) return this.#tooLong(batches);
    if (end < chunk.length) this.#keep(chunk.subarray(end));
    return batches;
  }

  *#tooLong(before: readonly Lines[]): Generator<Lines> {
    yield* before;
    throw new ProtocolError('line-too-long', `a line is longer than ${this.#limit} bytes`);
  }

  #keep(bytes: Uint8Array): void {
    const size = this.#carried + bytes.length;
    if (size > this.#carry.length) {
      // Doubling, so that a line sent byte by byte costs its length and not the square of it.
      const grown = new Uint8Array(Math.min(this.#limit, Math.max(64, 2 * size)));
      grown.set(this.#carry.subarray(0, this.#carried));
      this.#carry = grown;
    }
    this.#carry.set(bytes, this.#carried);
    this.#carried = size;
  }
}

/** The single lines of a batch, each with its newline: for handshakes and clients, which look into each. */
export function* eachLine({ bytes }: Lines): Generator<Uint8Array> {
  for (let from = 0; from < bytes.length;) {
    const end = bytes.indexOf(NEWLINE, from) + 1;
    yield bytes.subarray(from, end);
    from = end;
  }
}
