import { filter, map, mergeMap, type Observable, takeUntil, timer } from 'rxjs';
import type { Heard } from '../../streams/client/index.js';
import { clock } from './chat/clock.js';
import { shown, stacked, type Visible } from '../terminal/visible.js';

/** What is stored within so many ms was never seen to wait. */
const UNNOTICED = 1000;

/**
 * What is heard, a shared stream, in; what one said and that waits for its receipt out, once it does for a while. It is
 * shown again in its place when it is stored.
 */
export const tellPending =
  (nick: string) =>
  (heard$: Observable<Heard>): Observable<Visible> =>
    heard$.pipe(
      filter((heard) => heard.type === 'said'),
      mergeMap(({ token, lines }) =>
        timer(UNNOTICED).pipe(
          map(() => stacked(lines.map((line) => shown`\u25cc ${clock(Date.now())} ${nick}: ${line}`))),
          takeUntil(heard$.pipe(filter((heard) => heard.type === 'stored' && heard.token === token))),
        ),
      ),
    );
