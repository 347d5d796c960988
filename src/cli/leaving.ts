import {
  defer,
  distinctUntilChanged,
  endWith,
  filter,
  ignoreElements,
  map,
  type Observable,
  scan,
  switchMap,
  take,
  takeUntil,
  timer,
} from 'rxjs';
import type { Heard } from '../../streams/client/index.js';

/** How long, in ms, who leaves waits for the receipts of what was just said. */
const LEAVING = 1000;

/**
 * What is heard, a shared stream, in; emits once who has said all waits no longer for receipts: after a second, and at
 * once while the relay is away, for none can come. Completes then, or with its source.
 *
 * ```text
 * heard   W--said-said-all-------f----     W: welcome, f: offline
 *           leaving()
 *         -----------------------(x|)      or a second after said-all, where there is no f
 * ```
 */
export const leaving =
  () =>
  (heard$: Observable<Heard>): Observable<unknown> =>
    defer(() =>
      heard$.pipe(
        scan(
          ({ isLeaving, isAway }, { type }) => ({
            isLeaving: isLeaving || type === 'said-all',
            isAway: type === 'offline' || (isAway && type !== 'welcome'),
          }),
          { isLeaving: false, isAway: false },
        ),
        filter(({ isLeaving }) => isLeaving),
        map(({ isAway }) => isAway),
        distinctUntilChanged(),
        // By a timer also then: whoever keeps what was said hears of it first.
        switchMap((isAway) => timer(isAway ? 0 : LEAVING)),
        take(1),
        takeUntil(heard$.pipe(ignoreElements(), endWith(null))),
      ),
    );
