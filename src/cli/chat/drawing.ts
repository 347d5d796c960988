import {
  connect,
  EMPTY,
  endWith,
  exhaustMap,
  ignoreElements,
  interval,
  map,
  merge,
  type OperatorFunction,
  takeUntil,
  takeWhile,
} from 'rxjs';
import type { Heard } from '../../../streams/index.js';
import type { Shown, View } from './view.js';

/** How often, in ms, what changes by itself is looked at. */
const SECOND = 1000;

/**
 * What is heard in, by the turn; what is new to show out, and once a second, as long as something waits: a connection that
 * is away, a receipt, who comes and goes. So nothing runs where nothing happens.
 *
 * Completes with its source.
 *
 * ```text
 * heard   --[offline]--------------[welcome]--
 *           drawing(view)
 * shown   --s---------s---s---s----s----------
 * ```
 */
export const drawing =
  (view: Pick<View, 'hear' | 'due' | 'isWaiting'>): OperatorFunction<readonly Heard[], Shown> =>
  (heard$) =>
    heard$.pipe(
      connect((shared$) =>
        merge(
          shared$.pipe(map(view.hear)),
          shared$.pipe(
            exhaustMap(() =>
              view.isWaiting
                ? interval(SECOND).pipe(
                    map((): Shown => ({ lines: view.due(), calls: [] })),
                    takeWhile(() => view.isWaiting, true),
                  )
                : EMPTY,
            ),
            takeUntil(shared$.pipe(ignoreElements(), endWith(null))),
          ),
        ),
      ),
    );
