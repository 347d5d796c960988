import {
  concat,
  connect,
  defer,
  EMPTY,
  endWith,
  from,
  ignoreElements,
  merge,
  mergeMap,
  type Observable,
  type OperatorFunction,
  switchMap,
  take,
  takeUntil,
  throwError,
} from 'rxjs';
import { type Piece, type ScannerOptions, tokenScanner } from './tokenScanner.js';

export interface PiecesOptions extends ScannerOptions {
  /** Emits when nothing has come for so long that what has come counts as whole; subscribed after each chunk. */
  readonly silence$: Observable<unknown>;
}

/**
 * Chunks in, tokens and texts out: framing for a wire that has none.
 *
 * A piece comes as soon as its end is known, or after a silence. Completes with its source, after what is left; errors
 * with it, or with `ProtocolError` where a token is too long. Pieces are copies. Each subscription has a scanner of its
 * own, which holds one token at most.
 *
 * ```text
 * chunk    --"NICKgAA"--"AAA…=="-----"Bob left"--" the chat."-------|
 *            pieces({ silence$: timer(5) })
 * piece    -------------(text token)-----------------------text----|
 * ```
 *
 * @example
 * import { of, timer } from 'rxjs';
 * import { classic, encodeText } from 'rxchat/streams';
 *
 * of(encodeText('alice joined the chat.'))
 *   .pipe(classic.pieces({ silence$: timer(20) }))
 *   .subscribe({ next: ({ type }) => console.log(type), error: console.error }); // text
 */
export const pieces =
  ({ silence$, ...options }: PiecesOptions): OperatorFunction<Uint8Array, Piece> =>
  (chunk$) =>
    defer(() => {
      const scanner = tokenScanner(options);
      const read = (chunk: Uint8Array): Observable<Piece> => {
        const found = scanner.push(chunk);
        return scanner.failure === undefined
          ? from(found)
          : concat(
              found,
              throwError(() => scanner.failure),
            );
      };
      return concat(
        chunk$.pipe(
          connect((shared$) =>
            merge(
              shared$.pipe(mergeMap(read)),
              shared$.pipe(
                switchMap(() => (scanner.isOpen ? silence$.pipe(take(1)) : EMPTY)),
                mergeMap(() => scanner.settle()),
                takeUntil(shared$.pipe(ignoreElements(), endWith(null))),
              ),
            ),
          ),
        ),
        defer(() => scanner.end()),
      );
    });
