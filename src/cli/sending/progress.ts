import { isDrawable } from '../../terminal/drawable.js';
import {
  endWith,
  filter,
  ignoreElements,
  map,
  type Observable,
  startWith,
  switchMap,
  take,
  takeUntil,
  timer,
} from 'rxjs';
import type { Heard } from '../../../streams/client/index.js';
import { atMostEvery } from '../atMostEvery.js';
import type { Flags } from '../flags.js';
import type { Receipts } from '../receipts.js';

/** What is over within so many ms is not long. */
const SHORT = 1000;
/** How long, in ms, a person can read one line of it. */
const READABLE = 250;

/**
 * What is heard, a shared stream, in, after the account took note of it; how far the sending is out, once it lasts, at most
 * four times a second. Completes with its source.
 *
 * ```text
 * heard  welcome-said-stored-said-stored-|
 *          progress(account)
 *        ------------------1 stored, 1 without receipt-2 stored-|
 * ```
 */
export const progress =
  (account: Pick<Receipts, 'said' | 'stored'>) =>
  (heard$: Observable<Heard>): Observable<string> => {
    const moved$ = heard$.pipe(filter(({ type }) => type === 'said' || type === 'stored'));
    return moved$.pipe(
      take(1),
      switchMap(() => timer(SHORT)),
      switchMap(() => moved$.pipe(startWith(undefined))),
      map(() => textOf(account)),
      atMostEvery(READABLE),
      takeUntil(heard$.pipe(ignoreElements(), endWith(null))),
    );
  };

const textOf = ({ said, stored }: Pick<Receipts, 'said' | 'stored'>): string =>
  `${stored} stored${said > stored ? `, ${said - stored} without receipt` : ''}`;

/** Whether a line that is rewritten can be shown, and stands in nobody's way: `--no-progress`, `--quiet`. */
export const showsProgress = (flags: Flags): boolean => {
  const { stdout, stderr } = process;
  const isShared = stdout.isTTY && (flags['tee'] === true || flags['json'] === true);
  const isWanted = flags['progress'] !== false && flags['quiet'] !== true;
  return isWanted && stderr.isTTY && !isShared && isDrawable(process.env['TERM']);
};
