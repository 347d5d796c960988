import {
  distinctUntilChanged,
  map,
  merge,
  type Observable,
  of,
  skip,
  startWith,
  switchMap,
  take,
  timer,
} from 'rxjs';

/** Results of appends to the store. */
export interface AppendResults {
  readonly stored$: Observable<unknown>;
  readonly failed$: Observable<unknown>;
}

/** How long a connection must last without a failed append to count without a successful one, in ms. */
const STABLE_MS = 15_000;

/**
 * Emits each change of whether the store works, which it does at first.
 *
 * A lost connection is a change at once. A connection alone is not enough: servers that hang accept it and store nothing. The
 * store is back at the first append that is stored, or if nothing failed for 15 s, since a relay without messages appends nothing.
 *
 * Completes and errors with its sources. Unsubscribing stops its timer.
 *
 * ```text
 * connected   --f--t--f--t---------
 * stored      ---------------s-----
 *               storeStatus(connected$, { stored$, failed$ })
 * out         --f------------t-----
 * ```
 */
export const storeStatus = (
  isConnected$: Observable<boolean>,
  { stored$, failed$ }: AppendResults,
): Observable<boolean> =>
  isConnected$.pipe(
    distinctUntilChanged(),
    skip(1),
    switchMap((isConnected) =>
      isConnected
        ? merge(
            stored$,
            failed$.pipe(
              startWith(undefined),
              switchMap(() => timer(STABLE_MS)),
            ),
          ).pipe(
            take(1),
            map(() => true),
          )
        : of(false),
    ),
    startWith(true),
    distinctUntilChanged(),
    skip(1),
  );
