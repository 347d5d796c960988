import {
  filter,
  map,
  type Observable,
  startWith,
  switchMap,
  take,
  timer,
  connect,
  distinctUntilChanged,
  merge,
  type MonoTypeOperatorFunction,
  takeLast,
  throttleTime,
} from 'rxjs';
import { isDrawable } from '../../../terminal/terminalState.js';
import { takeUntilComplete } from '../../../../streams/rx/takeUntilComplete.js';
import type { ClientEvent } from '../../../../streams/client/index.js';
import type { Flags } from '../../args/flags.js';
import type { Receipts } from '../../shared/receipts.js';

/** Time in ms until progress is shown; shorter runs show none. */
const SHOW_AFTER_MS = 1000;
/** Interval in ms between updates, so that a person can read each. */
const INTERVAL_MS = 250;

/**
 * Emits how many lines are stored, if sending takes longer than a second.
 * Emits at most four times a second. The source must be shared, and `receipts` must see each event first. Completes
 * with its source.
 *
 * ```text
 * event$  welcome-queued-stored-queued-stored-|
 *           progress(receipts)
 *         ----------------------1 stored, 1 without receipt-2 stored-|
 * ```
 */
export const progress =
  (receipts: Pick<Receipts, 'sent' | 'stored'>) =>
  (event$: Observable<ClientEvent>): Observable<string> => {
    const change$ = event$.pipe(filter(({ type }) => type === 'queued' || type === 'stored'));
    return change$.pipe(
      take(1),
      switchMap(() => timer(SHOW_AFTER_MS)),
      switchMap(() => change$.pipe(startWith(undefined))),
      map(() => progressText(receipts)),
      throttleLatest(INTERVAL_MS),
      takeUntilComplete(event$),
    );
  };

const progressText = ({ sent, stored }: Pick<Receipts, 'sent' | 'stored'>): string =>
  `${stored} stored${sent > stored ? `, ${sent - stored} without receipt` : ''}`;

/**
 * Returns whether to show a progress line that is rewritten in place.
 * Not with `--no-progress` or `--quiet`, nor if it would mix with other output on the terminal.
 */
export const showsProgress = (flags: Flags): boolean => {
  const { stdout, stderr } = process;
  const isShared = stdout.isTTY && (flags['tee'] === true || flags['json'] === true);
  const isWanted = flags['progress'] !== false && flags['quiet'] !== true;
  return isWanted && stderr.isTTY && !isShared && isDrawable(process.env['TERM']);
};

/**
 * Emits the first value at once, then the newest value at most every `ms` ms. Emits the last value and
 * completes when the source completes. Drops repeated values. Passes errors on at once.
 *
 * ```text
 * value  a-b-c-------d-e-|
 *          throttleLatest(6)
 *        a-----c-----d---(e|)
 * ```
 */
export const throttleLatest =
  <T>(ms: number): MonoTypeOperatorFunction<T> =>
  (value$) =>
    value$.pipe(
      connect((shared$) =>
        merge(
          shared$.pipe(
            throttleTime(ms, undefined, { leading: true, trailing: true }),
            takeUntilComplete(shared$),
          ),
          shared$.pipe(takeLast(1)),
        ),
      ),
      distinctUntilChanged(),
    );
