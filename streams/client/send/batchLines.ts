import { defer, mergeMap, type OperatorFunction } from 'rxjs';
import { LimitError } from '../../wire/errors.js';
import { eachLine, type Lines } from '../../wire/lines.js';
import { decodeTextLossy, encodeText } from '../../wire/encoding.js';
import { MAX_LINES, tooManyLinesError } from '../envelope/envelope.js';
import type { OutgoingMessage } from './seal.js';

/** The maximum size of the lines of a message in bytes, as JSON: 32 KiB. */
export const MAX_MESSAGE_BYTES = 32_768;

/** The maximum size of several lines in bytes. Their envelope then fits the padding of 32 KiB. */
export const MAX_BATCH_BYTES = 32_128;

/** Returns the size of a line in an envelope, in bytes. */
const jsonBytes = (line: string): number => encodeText(JSON.stringify(line)).length + 1;

/** Returns whether a text is short enough for a message. */
export const fitsInMessage = (text: string): boolean => jsonBytes(text) <= MAX_MESSAGE_BYTES;

/** Returns why a message cannot be sent, or `undefined` if it can. */
export const checkMessage = ({ lines }: OutgoingMessage): Error | undefined => {
  if (lines.length === 0) return new TypeError('a message has at least one line');
  if (lines.length > MAX_LINES) return tooManyLinesError(lines.length);
  const bytes = lines.reduce((sum, line) => sum + jsonBytes(line), 0);
  return bytes <= MAX_MESSAGE_BYTES
    ? undefined
    : new LimitError(`a message of ${bytes} bytes is over the limit of ${MAX_MESSAGE_BYTES} bytes`);
};

/**
 * Batches lines that arrive together into messages of up to 32 128 bytes and 4096 lines.
 *
 * A slow source is sent line by line and a fast source in batches, without a timer. Skips empty lines, and replaces
 * bytes that are not UTF-8 by U+FFFD. Errors with a `LimitError` for a line that is too long, after the lines before it.
 * Completes and errors with its source.
 *
 * ```text
 * lines     --"a"-----"b","c","d"--|
 *             batchLines()
 * message   --[a]-----[b,c,d]------|
 * ```
 *
 * @example
 * import { of } from 'rxjs';
 * import { batchLines, encodeText, lines } from 'rxchat/streams';
 *
 * of(encodeText('one\ntwo\n'))
 *   .pipe(lines(), batchLines())
 *   .subscribe({ next: (message) => console.log(message.lines), error: console.error }); // ['one', 'two']
 */
export const batchLines =
  ({ limitBytes = MAX_MESSAGE_BYTES }: { limitBytes?: number } = {}): OperatorFunction<
    Lines,
    OutgoingMessage
  > =>
  (line$) =>
    defer(() => {
      let number = 0;
      return line$.pipe(
        mergeMap((batch) => {
          const firstNumber = number + 1;
          number += batch.count;
          return batchTexts(decodeLines(batch), { limitBytes, firstNumber });
        }),
      );
    });

const decodeLines = function* (batch: Lines): Generator<string> {
  for (const line of eachLine(batch)) yield decodeTextLossy(line.subarray(0, -1));
};

/**
 * Batches texts that arrived together into messages, as `batchLines` does.
 *
 * `firstNumber` is the line number of the first text. Throws a `LimitError` at a text that is too long, after the
 * messages before it.
 */
export function* batchTexts(
  texts: Iterable<string>,
  {
    limitBytes = MAX_MESSAGE_BYTES,
    firstNumber = 1,
  }: { readonly limitBytes?: number; readonly firstNumber?: number } = {},
): Generator<OutgoingMessage> {
  const batchBytes = Math.min(limitBytes, MAX_BATCH_BYTES);
  let number = firstNumber - 1;
  let lines: string[] = [];
  let size = 0;
  for (const text of texts) {
    number += 1;
    if (text === '') continue;
    const bytes = jsonBytes(text);
    if (lines.length === MAX_LINES || (lines.length > 0 && size + bytes > batchBytes)) {
      yield { lines };
      lines = [];
      size = 0;
    }
    if (bytes > limitBytes) throw tooLongError(number, encodeText(text).length, bytes, limitBytes);
    lines.push(text);
    size += bytes;
  }
  if (lines.length > 0) yield { lines };
}

const tooLongError = (number: number, bytes: number, encodedBytes: number, limitBytes: number): LimitError =>
  new LimitError(
    `line ${number} has ${bytes} bytes${bytes > limitBytes ? '' : `, ${encodedBytes} in a message`}, over the limit of ${limitBytes} bytes`,
  );
