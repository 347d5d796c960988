import {
  audit,
  connect,
  defer,
  filter,
  type MonoTypeOperatorFunction,
  type Observable,
  take,
  takeUntil,
} from 'rxjs';
import type { Heard } from '../../../streams/index.js';
import { endOfTurn$ } from '../../turn.js';

/** Tells of each thing that is heard whether all is read that the log had when the client came in. */
export const caughtUp = (): ((heard: Heard) => boolean) => {
  let last: number | undefined;
  let position = 0;
  return (heard) => {
    if (heard.type === 'welcome') {
      last ??= heard.next - 1;
      position = heard.from - 1;
    } else if (heard.type === 'gap') position = heard.to;
    else if ('position' in heard && heard.position !== undefined) position = heard.position;
    return last !== undefined && position >= last;
  };
};

/**
 * What is heard, up to the end of the turn in which all is read that the log had at the beginning: what is known of one entry
 * comes in one turn. Completes then.
 */
export const untilNow =
  (turn$: Observable<unknown> = endOfTurn$): MonoTypeOperatorFunction<Heard> =>
  (heard$) =>
    heard$.pipe(
      connect((shared$) =>
        shared$.pipe(
          takeUntil(
            defer(() => shared$.pipe(filter(caughtUp()))).pipe(
              take(1),
              audit(() => turn$),
            ),
          ),
        ),
      ),
    );
