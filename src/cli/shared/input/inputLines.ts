import { concat, defer, of, type OperatorFunction } from 'rxjs';
import { LimitError } from '../../../../streams/index.js';
import { decodeTextLossy } from '../../../../streams/wire/index.js';
import { concatMapIterable } from '../../../../streams/rx/concatMapIterable.js';
import { JSON_OVERHEAD_BYTES, truncateToFit, type TextMeasure } from './measure.js';

/** What to do with a line too long for a message: end with an error, cut it, split it or skip it. */
export type LongLinePolicy = 'end' | 'cut' | 'split' | 'skip';

/** Options of `inputLines`. */
export interface InputLinesOptions {
  readonly measure: TextMeasure;
  readonly longLines: LongLinePolicy;
  /** Called for each line that was cut or skipped. */
  readonly onLongLine?: (what: 'cut' | 'skip') => void;
  /** Changes each line before it is measured. */
  readonly transform?: (line: string) => string;
}

/** Maximum size, in bytes, up to which an endless line is counted. */
const MAX_MEASURED_BYTES = 16_777_216;

/** Maximum bytes of a UTF-16 code unit in JSON. A line that fits by this bound need not be measured. */
const MAX_BYTES_PER_UNIT = 6;

/** Bytes of a byte order mark, a `\r` and an incomplete character, which may belong to the last grapheme that fits. */
const LOOKAHEAD_BYTES = 7;

const NEWLINE = 10;
const BYTE_ORDER_MARK = '\ufeff';

/**
 * Splits bytes into lines of text, in batches of a chunk, and drops empty lines.
 *
 * A line ends in `\n` or `\r\n`; the end of the last may be missing. A leading byte order mark is removed,
 * and invalid UTF-8 becomes U+FFFD. Memory is bounded: at most the size of a message is buffered of a long
 * line. With `end`, a long line causes a `LimitError` with its number and its size in bytes. The lines before
 * it are emitted first.
 *
 * The parts are in one file, of more than 250 lines, because all of them share the state of the unfinished line.
 *
 * ```text
 * bytes   --"a\nb"---"\r\nc\n"----"d"--|
 *           inputLines(options)
 * lines   --[a]------[b,c]-------------([d]|)
 * ```
 */
export const inputLines =
  (options: InputLinesOptions): OperatorFunction<Uint8Array, readonly string[]> =>
  (chunk$) =>
    defer(() => {
      const splitter = new InputSplitter(options);
      return concat(chunk$, of(undefined)).pipe(
        concatMapIterable((chunk) => (chunk === undefined ? splitter.end() : splitter.split(chunk))),
      );
    });

/**
 * Splits the chunks of `inputLines`. It is a single class because all its methods share the state of the
 * current line.
 */
class InputSplitter {
  readonly #options: InputLinesOptions;
  /** Number of the current line. */
  #number = 1;
  /** Buffered pieces of the current line, and their size in bytes. */
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  /** Bytes of the current line that are no longer buffered. */
  #passed = 0;
  /** With `split`: decoded text that was not emitted yet. */
  #rest = '';
  #isLong = false;

  constructor(options: InputLinesOptions) {
    this.#options = options;
  }

  *split(chunk: Uint8Array): Generator<readonly string[]> {
    const first = chunk.indexOf(NEWLINE);
    if (first < 0) {
      yield* nonEmptyBatch(this.#hold(chunk));
      return;
    }
    const lines: string[] = [];
    let from = 0;
    try {
      if (this.#pendingBytes + this.#passed > 0) {
        for (const line of this.#hold(chunk.subarray(0, first))) lines.push(line);
        for (const line of this.#endLine()) lines.push(line);
        from = first + 1;
      }
      const last = chunk.lastIndexOf(NEWLINE);
      if (last >= from) this.#whole(chunk.subarray(from, last), lines);
      if (last + 1 < chunk.length) for (const line of this.#hold(chunk.slice(last + 1))) lines.push(line);
    } catch (error) {
      yield* nonEmptyBatch(lines);
      throw error;
    }
    yield* nonEmptyBatch(lines);
  }

  /** Emits the last line, which has no newline. */
  *end(): Generator<readonly string[]> {
    if (this.#pendingBytes + this.#passed > 0) yield* nonEmptyBatch(this.#endLine());
  }

  /** Adds the lines that are complete within a chunk to `lines`. */
  #whole(bytes: Uint8Array, lines: string[]): void {
    const text = decodeTextLossy(bytes);
    const first = this.#number;
    for (const line of text.split('\n')) {
      const cleaned = this.#cleaned(line);
      if (MAX_BYTES_PER_UNIT * cleaned.length + JSON_OVERHEAD_BYTES <= this.#options.measure.limitBytes) {
        if (cleaned !== '') lines.push(cleaned);
      } else {
        // Counts the bytes of the input, since each invalid byte takes three bytes in the text.
        const sizeOf = () => sizeOfLine(bytes, this.#number - first);
        for (const part of this.#parts(cleaned, sizeOf)) lines.push(part);
      }
      this.#number += 1;
    }
  }

  /** Adds a piece to the current line. Emits or drops at once what exceeds a message. */
  *#hold(part: Uint8Array): Generator<string> {
    const { measure, longLines } = this.#options;
    if (part.length === 0) return;
    if (this.#isLong && longLines !== 'split') {
      this.#pass(part.length);
      return;
    }
    this.#pending.push(part);
    this.#pendingBytes += part.length;
    if (this.#rest.length + this.#pendingBytes <= measure.limitBytes + LOOKAHEAD_BYTES) {
      // The objects of many small pieces would take more memory than their bytes.
      if (this.#pending.length > 1024) this.#pending = [Buffer.concat(this.#pending)];
      return;
    }
    this.#isLong = true;
    const bytes = Buffer.concat(this.#pending);
    const completeBytes = bytes.length - incompleteTailBytes(bytes);
    const text = this.#rest + this.#changed(decodeTextLossy(bytes.subarray(0, completeBytes)));
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#rest = '';
    if (longLines === 'split') {
      const tail = bytes.subarray(completeBytes);
      this.#pending = tail.length > 0 ? [tail] : [];
      this.#pendingBytes = tail.length;
      this.#passed += completeBytes;
      let rest = text;
      for (
        let start = truncateToFit(rest, measure);
        start.length < rest.length;
        start = truncateToFit(rest, measure)
      ) {
        yield start;
        rest = rest.slice(start.length);
      }
      this.#rest = rest;
      return;
    }
    this.#pass(bytes.length);
    if (longLines === 'cut') yield truncateToFit(text, measure);
    if (longLines !== 'end') this.#options.onLongLine?.(longLines);
  }

  #pass(bytes: number): void {
    this.#passed += bytes;
    if (this.#options.longLines === 'end' && this.#passed > MAX_MEASURED_BYTES)
      throw this.#tooLong(`more than ${MAX_MEASURED_BYTES} bytes`);
  }

  /** Ends the current line. */
  *#endLine(): Generator<string> {
    const bytes = Buffer.concat(this.#pending);
    const size = this.#passed + bytes.length;
    const wasLong = this.#isLong;
    const line = trimCarriageReturn(this.#rest + this.#changed(decodeTextLossy(bytes)));
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#passed = 0;
    this.#rest = '';
    this.#isLong = false;
    if (wasLong && this.#options.longLines === 'end') throw this.#tooLong(`${size} bytes`);
    if (!wasLong || this.#options.longLines === 'split') yield* this.#parts(line, () => size);
    this.#number += 1;
  }

  /** Emits a whole line, or its parts if it is too long. */
  *#parts(line: string, sizeOf: () => number): Generator<string> {
    const { measure, longLines, onLongLine } = this.#options;
    if (line === '') return;
    const bytes = measure.sizeOf(line);
    if (bytes <= measure.limitBytes) {
      yield line;
      return;
    }
    if (longLines === 'end') {
      const size = sizeOf();
      throw this.#tooLong(
        size > measure.limitBytes ? `${size} bytes` : `${size} bytes, ${bytes} in a message`,
      );
    }
    if (longLines !== 'split') onLongLine?.(longLines);
    if (longLines === 'skip') return;
    for (let rest = line; rest !== '';) {
      const start = truncateToFit(rest, measure);
      yield start;
      if (longLines === 'cut') return;
      rest = rest.slice(start.length);
    }
  }

  /** Removes a trailing `\r`, and a byte order mark before the first line. */
  #cleaned(line: string): string {
    return trimCarriageReturn(this.#changed(line));
  }

  #changed(text: string): string {
    const isFirst = this.#number === 1 && this.#passed === 0;
    const marked = isFirst && text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
    return this.#options.transform?.(marked) ?? marked;
  }

  #tooLong(size: string): LimitError {
    return new LimitError(
      `line ${this.#number} has ${size}, over the limit of ${this.#options.measure.limitBytes} bytes`,
    );
  }
}

const trimCarriageReturn = (line: string): string => (line.endsWith('\r') ? line.slice(0, -1) : line);

/** Returns the size in bytes of line `number`, counted from 0, without its newline. */
const sizeOfLine = (bytes: Uint8Array, number: number): number => {
  let from = 0;
  for (let at = 0; at < number; at += 1) from = bytes.indexOf(NEWLINE, from) + 1;
  const end = bytes.indexOf(NEWLINE, from);
  return (end < 0 ? bytes.length : end) - from;
};

function* nonEmptyBatch(lines: Iterable<string>): Generator<readonly string[]> {
  const all = [...lines];
  if (all.length > 0) yield all;
}

/** Returns how many bytes at the end belong to an incomplete character. */
const incompleteTailBytes = (bytes: Uint8Array): number => {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) > back ? back : 0;
  }
  return 0;
};
