import { defer, type OperatorFunction } from 'rxjs';
import { concatMapIterable } from '../rx/concatMapIterable.js';
import { ProtocolError } from './errors.js';

/**
 * A batch of whole lines, still in the chunk that they arrived in.
 *
 * `bytes` ends in `\n` and contains `count` lines. A batch, so that the hot path creates no object per line.
 */
export interface Lines {
  readonly bytes: Uint8Array;
  readonly count: number;
}

/** Limits of `lines`, in bytes. */
export interface LineLimits {
  /** Maximum length of a line with its `\n`; 64 KiB. */
  readonly maxLineBytes?: number;
  /** Maximum length of the first line; `maxLineBytes`. */
  readonly maxFirstLineBytes?: number;
}

/** Default maximum length of a line in bytes, with its `\n`. */
export const MAX_LINE_BYTES = 65_536;

const NEWLINE = 10;
const NO_BYTES = new Uint8Array(0);

/**
 * Splits chunks into batches of whole lines.
 *
 * An unfinished line at the end of a chunk is buffered, in a buffer that grows with the bytes received and never exceeds the
 * limit. Completes with its source and drops an unfinished line. Errors with its source. A line that is too long is an
 * error at once, after the lines before it, even if its end has not arrived.
 *
 * Batches share memory with the chunks, so a batch is valid only during its emission.
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
  (limits: LineLimits = {}): OperatorFunction<Uint8Array, Lines> =>
  (chunk$) =>
    defer(() => {
      const splitter = new LineSplitter(limits);
      return chunk$.pipe(concatMapIterable((chunk) => splitter.split(chunk)));
    });

/** The state of `lines` for one stream: its unfinished line. */
export class LineSplitter {
  readonly #maxBytes: number;
  #limit: number;
  #partial = NO_BYTES;
  #partialLength = 0;

  constructor({ maxLineBytes = MAX_LINE_BYTES, maxFirstLineBytes = maxLineBytes }: LineLimits) {
    this.#maxBytes = maxLineBytes;
    this.#limit = Math.min(maxFirstLineBytes, maxLineBytes);
  }

  /** Returns the lines that a chunk completes, in batches. The iteration throws a `ProtocolError` if a line is too long. */
  split(chunk: Uint8Array): Iterable<Lines> {
    const batches: Lines[] = [];

    let from = 0;
    if (this.#partialLength > 0) {
      const end = chunk.indexOf(NEWLINE) + 1;
      const head = end > 0 ? chunk.subarray(0, end) : chunk;
      if (this.#partialLength + head.length + (end > 0 ? 0 : 1) > this.#limit)
        return this.#failAfter(batches);
      this.#append(head);
      if (end === 0) return batches;
      batches.push({ bytes: this.#partial.subarray(0, this.#partialLength), count: 1 });
      this.#partial = NO_BYTES;
      this.#partialLength = 0;
      this.#limit = this.#maxBytes;
      from = end;
    }

    let end = from;
    let count = 0;
    let at: number;
    while ((at = chunk.indexOf(NEWLINE, end)) >= 0 && at + 1 - end <= this.#limit) {
      end = at + 1;
      count += 1;
      this.#limit = this.#maxBytes;
    }
    if (count > 0)
      batches.push({ bytes: end - from === chunk.length ? chunk : chunk.subarray(from, end), count });
    if (at >= 0 || chunk.length - end >= this.#limit) return this.#failAfter(batches);
    if (end < chunk.length) this.#append(chunk.subarray(end));
    return batches;
  }

  *#failAfter(batches: readonly Lines[]): Generator<Lines> {
    yield* batches;
    throw new ProtocolError('line-too-long', `a line is longer than ${this.#limit} bytes`);
  }

  #append(bytes: Uint8Array): void {
    const length = this.#partialLength + bytes.length;
    if (length > this.#partial.length) {
      // Doubling: a line that arrives byte by byte costs its length and not its square.
      const grown = new Uint8Array(Math.min(this.#limit, Math.max(64, 2 * length)));
      grown.set(this.#partial.subarray(0, this.#partialLength));
      this.#partial = grown;
    }
    this.#partial.set(bytes, this.#partialLength);
    this.#partialLength = length;
  }
}

/** Yields the single lines of a batch, each with its newline. */
export function* eachLine({ bytes }: Lines): Generator<Uint8Array> {
  for (let from = 0; from < bytes.length;) {
    const end = bytes.indexOf(NEWLINE, from) + 1;
    yield bytes.subarray(from, end);
    from = end;
  }
}

/** Counts the lines in some bytes. */
export const countLines = (bytes: Uint8Array): number => {
  let count = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) count += 1;
  return count;
};
