import { defer, mergeMap, type OperatorFunction } from 'rxjs';
import { LimitError } from '../wire/errors.js';
import { eachLine, type Lines } from '../wire/lines.js';
import { decodeTextLossy, encodeText } from '../wire/utf8.js';
import { LINES_LIMIT, tooManyLines } from './envelope.js';
import type { Say } from './seal.js';

/** The most bytes of a line, as JSON, that goes into a token: 32 KiB. */
export const PACK_LIMIT = 32_768;

/** The most bytes of several lines: with all else that is in an envelope they still fit the padding of 32 KiB. */
export const BATCH_LIMIT = 32_128;

/** How many bytes a line takes in an envelope. */
const sizeOf = (line: string): number => encodeText(JSON.stringify(line)).length + 1;

/** Whether a text is short enough to be said. */
export const isSayable = (text: string): boolean => sizeOf(text) <= PACK_LIMIT;

/** Returns why something cannot be said, whatever the relay does; `undefined` where it can. */
export const unsayable = ({ lines }: Say): Error | undefined => {
  if (lines.length === 0) return new TypeError('a message has at least one line');
  if (lines.length > LINES_LIMIT) return tooManyLines(lines.length);
  const bytes = lines.reduce((sum, line) => sum + sizeOf(line), 0);
  return bytes <= PACK_LIMIT
    ? undefined
    : new LimitError(`a message of ${bytes} bytes is over the limit of ${PACK_LIMIT} bytes`);
};

/**
 * Lines in, things to say out: those that came together go into one token, up to nearly 32 KiB and 4096 lines.
 *
 * A quiet source so speaks line by line and a busy one in batches, without a timer. Empty lines are skipped; bytes that
 * are not UTF-8 become U+FFFD. A line that is too long for a token is a `LimitError` that names its number, after what
 * stood before it. Completes and errors with its source.
 *
 * ```text
 * lines   --"a"-----"b","c","d"--|
 *           pack()
 * say     --[a]-----[b,c,d]------|
 * ```
 *
 * @example
 * import { of } from 'rxjs';
 * import { encodeText, lines, pack } from 'rxchat/streams';
 *
 * of(encodeText('one\ntwo\n'))
 *   .pipe(lines(), pack())
 *   .subscribe({ next: (say) => console.log(say.lines), error: console.error }); // ['one', 'two']
 */
export const pack =
  ({ limit = PACK_LIMIT }: { limit?: number } = {}): OperatorFunction<Lines, Say> =>
  (line$) =>
    defer(() => {
      let number = 0;
      return line$.pipe(
        mergeMap((batch) => {
          const first = number + 1;
          number += batch.count;
          return packTexts(textsOf(batch), { limit, first });
        }),
      );
    });

const textsOf = function* (batch: Lines): Generator<string> {
  for (const line of eachLine(batch)) yield decodeTextLossy(line.subarray(0, -1));
};

/**
 * Texts that came together as things to say, as `pack` has it; `first` is the number of the first one. Iterating throws a
 * `LimitError` for a text that is too long, after what was before it.
 */
export function* packTexts(
  texts: Iterable<string>,
  { limit = PACK_LIMIT, first = 1 }: { readonly limit?: number; readonly first?: number } = {},
): Generator<Say> {
  const together = Math.min(limit, BATCH_LIMIT);
  let number = first - 1;
  let lines: string[] = [];
  let size = 0;
  for (const text of texts) {
    number += 1;
    if (text === '') continue;
    const more = sizeOf(text);
    if (lines.length === LINES_LIMIT || (lines.length > 0 && size + more > together)) {
      yield { lines };
      lines = [];
      size = 0;
    }
    if (more > limit) throw tooLong(number, encodeText(text).length, more, limit);
    lines.push(text);
    size += more;
  }
  if (lines.length > 0) yield { lines };
}

const tooLong = (number: number, bytes: number, sent: number, limit: number): LimitError =>
  new LimitError(
    `line ${number} has ${bytes} bytes${bytes > limit ? '' : `, ${sent} in a message`}, over the limit of ${limit} bytes`,
  );
