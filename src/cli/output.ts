import { audit, buffer, connect, filter, map, type OperatorFunction } from 'rxjs';
import { stacked, type Visible } from '../terminal/visible.js';
import { endOfTurn$ } from '../turn.js';

/** What comes in one turn of the event loop, together. */
export const together =
  <T>(): OperatorFunction<T, T[]> =>
  (value$) =>
    value$.pipe(
      connect((shared$) => shared$.pipe(buffer(shared$.pipe(audit(() => endOfTurn$))))),
      // At its end `buffer` gives what is left, be it nothing.
      filter((values) => values.length > 0),
    );

/** Lines in, texts to write out: what comes in one turn of the event loop becomes one write. */
export const oneWriteATurn = (): OperatorFunction<Visible, Visible> => (line$) =>
  line$.pipe(together(), map(stacked));
