import { concat, defer, of, type OperatorFunction } from 'rxjs';
import { decodeTextLossy, eachOf, LimitError } from '../../../streams/index.js';
import { AROUND, fittingStart, type Measure } from './fitting.js';

/** What becomes of a line that is too long for a message: it ends the sending, or it is cut, split or left out. */
export type Long = 'end' | 'cut' | 'split' | 'skip';

export interface InputLinesOptions {
  readonly measure: Measure;
  readonly long: Long;
  /** Called for a line that was cut or left out. */
  readonly onLong?: (what: 'cut' | 'skip') => void;
  /** Changes each line before it is measured. */
  readonly change?: (line: string) => string;
}

/** The size of an endless line is not counted beyond so many bytes. */
const COUNTED = 16_777_216;

/** The most bytes of a UTF-16 code unit in JSON: a line that fits by them is not measured. */
const LARGEST_UNIT = 6;

const NEWLINE = 10;
const BYTE_ORDER_MARK = '\ufeff';

/**
 * Bytes in, lines of text out, those of a chunk together; empty lines are left out.
 *
 * A line ends in `\n` or `\r\n`; the last one may lack its end. A byte order mark before the first line is no part of it, and
 * bytes that are not UTF-8 become U+FFFD. Of a line that is too long, no more is held than a message takes, whatever its
 * length. With `end` it is a `LimitError` that names its number and its size in bytes, after the lines before it.
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
        eachOf((chunk) => (chunk === undefined ? splitter.end() : splitter.split(chunk))),
      );
    });

/** What `inputLines` does to each chunk. */
class InputSplitter {
  readonly #options: InputLinesOptions;
  /** The number of the line that is being read. */
  #number = 1;
  /** Pieces of a line that has not ended, and their bytes. */
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  /** The bytes of the line that is being read and are not held any more. */
  #passed = 0;
  /** With `split`: what was decoded of it and not yet said. */
  #rest = '';
  #isLong = false;

  constructor(options: InputLinesOptions) {
    this.#options = options;
  }

  *split(chunk: Uint8Array): Generator<readonly string[]> {
    const first = chunk.indexOf(NEWLINE);
    if (first < 0) {
      yield* together(this.#hold(chunk));
      return;
    }
    const lines: string[] = [];
    let from = 0;
    try {
      if (this.#heldBytes + this.#passed > 0) {
        for (const line of this.#hold(chunk.subarray(0, first))) lines.push(line);
        for (const line of this.#endLine()) lines.push(line);
        from = first + 1;
      }
      const last = chunk.lastIndexOf(NEWLINE);
      if (last >= from) this.#whole(chunk.subarray(from, last), lines);
      if (last + 1 < chunk.length) for (const line of this.#hold(chunk.slice(last + 1))) lines.push(line);
    } catch (error) {
      yield* together(lines);
      throw error;
    }
    yield* together(lines);
  }

  /** The line that has no end. */
  *end(): Generator<readonly string[]> {
    if (this.#heldBytes + this.#passed > 0) yield* together(this.#endLine());
  }

  /** Lines that are in one chunk from their beginning to their end. */
  #whole(bytes: Uint8Array, lines: string[]): void {
    const text = decodeTextLossy(bytes);
    const first = this.#number;
    for (const line of text.split('\n')) {
      const cleaned = this.#cleaned(line);
      if (LARGEST_UNIT * cleaned.length + AROUND <= this.#options.measure.limit) {
        if (cleaned !== '') lines.push(cleaned);
      } else {
        // By the bytes of the input: one that is not UTF-8 is three in the text.
        const sizeOf = () => sizeOfLine(bytes, this.#number - first);
        for (const part of this.#parts(cleaned, sizeOf)) lines.push(part);
      }
      this.#number += 1;
    }
  }

  /** Adds to the line that is being read; what it is too long for is said, or left out, at once. */
  *#hold(piece: Uint8Array): Generator<string> {
    const { measure, long } = this.#options;
    if (piece.length === 0) return;
    if (this.#isLong && long !== 'split') {
      this.#pass(piece.length);
      return;
    }
    this.#held.push(piece);
    this.#heldBytes += piece.length;
    // One more than the limit, for the return before a newline.
    if (this.#rest.length + this.#heldBytes <= measure.limit + 1) {
      // Pieces of a byte each would take more than what is in them.
      if (this.#held.length > 1024) this.#held = [Buffer.concat(this.#held)];
      return;
    }
    this.#isLong = true;
    const bytes = Buffer.concat(this.#held);
    const whole = bytes.length - unfinished(bytes);
    const text = this.#rest + this.#changed(decodeTextLossy(bytes.subarray(0, whole)));
    this.#held = [];
    this.#heldBytes = 0;
    this.#rest = '';
    if (long === 'split') {
      const tail = bytes.subarray(whole);
      this.#held = tail.length > 0 ? [tail] : [];
      this.#heldBytes = tail.length;
      this.#passed += whole;
      let rest = text;
      for (
        let start = fittingStart(rest, measure);
        start.length < rest.length;
        start = fittingStart(rest, measure)
      ) {
        yield start;
        rest = rest.slice(start.length);
      }
      this.#rest = rest;
      return;
    }
    this.#pass(bytes.length);
    if (long === 'cut') yield fittingStart(text, measure);
    if (long !== 'end') this.#options.onLong?.(long);
  }

  #pass(bytes: number): void {
    this.#passed += bytes;
    if (this.#options.long === 'end' && this.#passed > COUNTED)
      throw this.#tooLong(`more than ${COUNTED} bytes`);
  }

  /** The line that is being read has ended. */
  *#endLine(): Generator<string> {
    const bytes = Buffer.concat(this.#held);
    const size = this.#passed + bytes.length;
    const wasLong = this.#isLong;
    const line = withoutReturn(this.#rest + this.#changed(decodeTextLossy(bytes)));
    this.#held = [];
    this.#heldBytes = 0;
    this.#passed = 0;
    this.#rest = '';
    this.#isLong = false;
    if (wasLong && this.#options.long === 'end') throw this.#tooLong(`${size} bytes`);
    if (!wasLong || this.#options.long === 'split') yield* this.#parts(line, () => size);
    this.#number += 1;
  }

  /** A whole line as what is said of it. */
  *#parts(line: string, sizeOf: () => number): Generator<string> {
    const { measure, long, onLong } = this.#options;
    if (line === '') return;
    const bytes = measure.bytesOf(line);
    if (bytes <= measure.limit) {
      yield line;
      return;
    }
    if (long === 'end') {
      const size = sizeOf();
      throw this.#tooLong(size > measure.limit ? `${size} bytes` : `${size} bytes, ${bytes} in a message`);
    }
    if (long !== 'split') onLong?.(long);
    if (long === 'skip') return;
    for (let rest = line; rest !== '';) {
      const start = fittingStart(rest, measure);
      yield start;
      if (long === 'cut') return;
      rest = rest.slice(start.length);
    }
  }

  /** A line as it is sent: without the return before its end, and without a byte order mark before the first one. */
  #cleaned(line: string): string {
    return withoutReturn(this.#changed(line));
  }

  #changed(text: string): string {
    const isFirst = this.#number === 1 && this.#passed === 0;
    const marked = isFirst && text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
    return this.#options.change?.(marked) ?? marked;
  }

  #tooLong(size: string): LimitError {
    return new LimitError(
      `line ${this.#number} has ${size}, over the limit of ${this.#options.measure.limit} bytes`,
    );
  }
}

const withoutReturn = (line: string): string => (line.endsWith('\r') ? line.slice(0, -1) : line);

/** The size of the line with this number, from 0, without its newline. */
const sizeOfLine = (bytes: Uint8Array, number: number): number => {
  let from = 0;
  for (let at = 0; at < number; at += 1) from = bytes.indexOf(NEWLINE, from) + 1;
  const end = bytes.indexOf(NEWLINE, from);
  return (end < 0 ? bytes.length : end) - from;
};

function* together(lines: Iterable<string>): Generator<readonly string[]> {
  const all = [...lines];
  if (all.length > 0) yield all;
}

/** How many bytes at the end begin a character that has not ended. */
const unfinished = (bytes: Uint8Array): number => {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) > back ? back : 0;
  }
  return 0;
};
