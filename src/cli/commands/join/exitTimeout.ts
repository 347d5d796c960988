import {
  defer,
  distinctUntilChanged,
  filter,
  map,
  type Observable,
  scan,
  switchMap,
  take,
  timer,
} from 'rxjs';
import { takeUntilComplete } from '../../../../streams/rx/takeUntilComplete.js';
import type { ClientEvent } from '../../../../streams/client/index.js';

/** Time in ms that a leaving member waits for the last receipts. */
const EXIT_TIMEOUT_MS = 1000;

/**
 * Emits when a leaving member need not wait for receipts any longer.
 * That is a second after the end of the input, or at once while offline, because no receipt can arrive then. The source
 * must be shared. Completes after it emits, or with its source.
 *
 * ```text
 * event$  W--queued-input-complete--------f----     W: welcome, f: offline
 *           exitTimeout()
 *         ---------------------------------(x|)     or a second after input-complete without an f
 * ```
 */
export const exitTimeout =
  () =>
  (event$: Observable<ClientEvent>): Observable<unknown> =>
    defer(() =>
      event$.pipe(
        scan(
          ({ isLeaving, isOffline }, { type }) => ({
            isLeaving: isLeaving || type === 'input-complete',
            isOffline: type === 'offline' || (isOffline && type !== 'welcome'),
          }),
          { isLeaving: false, isOffline: false },
        ),
        filter(({ isLeaving }) => isLeaving),
        map(({ isOffline }) => isOffline),
        distinctUntilChanged(),
        // A timer even if offline, so that other subscribers handle the event before this emits.
        switchMap((isOffline) => timer(isOffline ? 0 : EXIT_TIMEOUT_MS)),
        take(1),
        takeUntilComplete(event$),
      ),
    );
