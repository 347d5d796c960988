import { defer, mergeMap, type OperatorFunction } from 'rxjs';
import { LimitError } from '../wire/errors.js';
import { eachLine, type Lines } from '../wire/lines.js';
import { decodeTextLossy, encodeText } from '../wire/utf8.js';
import type { Say } from './seal.js';

/** The most bytes of a line, as JSON, that goes into a token: 32 KiB. */
export const PACK_LIMIT = 32_768;

/** The most bytes of several lines: with all else that is in an envelope they still fit the padding of 32 KiB. */
export const BATCH_LIMIT = 32_128;

/** How many bytes a line takes in an envelope. */
const sizeOf = (line: string): number => encodeText(JSON.stringify(line)).length + 1;

/** Whether a text is short enough to be said. */
export const isSayable = (text: string): boolean => sizeOf(text) <= PACK_LIMIT;

/**
 * Lines in, things to say out: those that came together go into one token, up to nearly 32 KiB.
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
      const together = Math.min(limit, BATCH_LIMIT);
      let number = 0;
      const batch = function* (from: Lines): Generator<Say> {
        let lines: string[] = [];
        let size = 0;
        for (const bytes of eachLine(from)) {
          const line = decodeTextLossy(bytes.subarray(0, -1));
          number += 1;
          if (line === '') continue;
          const more = sizeOf(line);
          if (lines.length > 0 && size + more > together) {
            yield { lines };
            lines = [];
            size = 0;
          }
          if (more > limit)
            throw new LimitError(`line ${number} has ${more} bytes, over the limit of ${limit}`);
          lines.push(line);
          size += more;
        }
        if (lines.length > 0) yield { lines };
      };
      return line$.pipe(mergeMap(batch));
    });
