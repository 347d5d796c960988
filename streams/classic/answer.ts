import {
  connect,
  defer,
  endWith,
  ignoreElements,
  merge,
  mergeMap,
  NEVER,
  type Observable,
  type OperatorFunction,
  switchMap,
  take,
  takeUntil,
} from 'rxjs';
import { ProtocolError } from '../wire/errors.js';
import { decodeText } from '../wire/utf8.js';
import { heldBytes } from './heldBytes.js';
import { checkClassicNick } from './nick.js';
import { findMark } from './tokenShape.js';

/** The nick that somebody answered, or bytes that came behind it; these are good during their own emission only. */
export type Answer =
  { readonly type: 'nick'; readonly nick: string } | { readonly type: 'rest'; readonly bytes: Uint8Array };

/** The longest answer in bytes: a nick, and white space around it. */
const ANSWER_LIMIT = 512;

/**
 * Chunks of a client in, its nick out, then the rest.
 *
 * Nothing ends a nick on this wire: it is over where a token begins, or where nothing more comes for a while. Completes
 * with its source, without a nick where none was whole by then; errors with it, and with `ProtocolError` where the nick
 * is wrong.
 *
 * ```text
 * chunk    --"al"-"ice"--------"gAAAA…"--|
 *            answer({ silence$: timer(5) })
 * answer   -------------(alice)-(rest)---|
 * ```
 *
 * @example
 * import { of, timer } from 'rxjs';
 * import { classic, encodeText } from 'rxchat/streams';
 *
 * of(encodeText('alicegAAAAA'))
 *   .pipe(classic.answer({ silence$: timer(100) }))
 *   .subscribe({ next: ({ type }) => console.log(type), error: console.error }); // nick, rest
 */
export const answer =
  ({ silence$ }: { readonly silence$: Observable<unknown> }): OperatorFunction<Uint8Array, Answer> =>
  (chunk$) =>
    defer(() => {
      const held = heldBytes(ANSWER_LIMIT);
      let isAnswered = false;

      const read = (end: number): Answer[] => {
        isAnswered = true;
        const text = decodeText(held.bytes.subarray(0, end));
        if (text === undefined) throw new ProtocolError('nick-invalid', 'the nick is not UTF-8');
        const nick: Answer = { type: 'nick', nick: checkClassicNick(text) };
        const rest: Answer = { type: 'rest', bytes: held.bytes.slice(end, held.size) };
        return rest.bytes.length > 0 ? [nick, rest] : [nick];
      };
      const push = (bytes: Uint8Array): Answer[] => {
        if (isAnswered) return [{ type: 'rest', bytes }];
        held.append(bytes);
        const mark = findMark(held.bytes, 1, held.size);
        if (mark > 0) return read(mark);
        if (held.size <= ANSWER_LIMIT) return [];
        throw new ProtocolError('nick-too-long', `the nick is longer than ${ANSWER_LIMIT} bytes`);
      };

      return chunk$.pipe(
        connect((shared$) =>
          merge(
            shared$.pipe(mergeMap(push)),
            shared$.pipe(
              switchMap(() => (isAnswered ? NEVER : silence$.pipe(take(1)))),
              mergeMap(() => read(held.size)),
              takeUntil(shared$.pipe(ignoreElements(), endWith(null))),
            ),
          ),
        ),
      );
    });
