import {
  audit,
  buffer,
  concatMap,
  connect,
  defer,
  filter,
  map,
  merge,
  Observable,
  of,
  type OperatorFunction,
} from 'rxjs';
import { bytesOf, stacked, type Visible, type VisibleBytes } from '../terminal/visible.js';
import { writeBytes } from '../terminal/write.js';
import { endOfTurn$ } from '../turn.js';
import { note } from './exit.js';

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

/** Some of what comes in one turn of the event loop. */
export interface Slice<T> {
  readonly values: readonly T[];
  /** What comes next in the same turn. */
  readonly next: T | undefined;
}

/** Things of a slice: few, so that no more objects than these wait, however many lines one token has. */
const SLICE = 64;

/**
 * What comes in one turn of the event loop, in slices: each as soon as it is full and what comes next is known, the last one
 * when the turn is over. Completes and errors with its source.
 */
export const slicesOfTurn =
  <T>(size: number = SLICE, turn$: Observable<unknown> = endOfTurn$): OperatorFunction<T, Slice<T>> =>
  (value$) =>
    defer(() => {
      let values: T[] = [];
      const full = (next: T): Slice<T> | undefined => {
        const slice = values.length < size ? undefined : { values, next };
        if (slice !== undefined) values = [];
        values.push(next);
        return slice;
      };
      const rest = (): Slice<T> | undefined => {
        const slice = values.length === 0 ? undefined : { values, next: undefined };
        values = [];
        return slice;
      };
      return value$.pipe(
        connect((shared$) =>
          merge(
            shared$.pipe(map(full)),
            shared$.pipe(
              audit(() => turn$),
              map(rest),
            ),
          ),
        ),
        filter((slice) => slice !== undefined),
      );
    });

/** What is written of a slice, and what is known once it was. */
export interface Written<K> {
  readonly lines: readonly Visible[];
  /** For standard error, before the lines. */
  readonly notes?: readonly string[];
  /** How many things they are of. */
  readonly count: number;
  readonly known: K;
}

/**
 * Writes each slice to standard output once the system has the one before; what waits is bytes, which do not fill the heap.
 * Emits what is known of each when it is written.
 */
export const writtenOut =
  <T, K>(
    format: (slice: T) => Written<K>,
    held: { readonly add: (count: number) => void },
  ): OperatorFunction<T, K> =>
  (slice$) =>
    slice$.pipe(
      map(format),
      map(({ lines, ...rest }) => ({
        ...rest,
        bytes: lines.length === 0 ? undefined : bytesOf(stacked(lines)),
      })),
      concatMap(({ bytes, notes = [], count, known }) => {
        for (const text of notes) note(text);
        const written$ = bytes === undefined ? of(undefined) : written(bytes);
        return written$.pipe(
          map(() => {
            held.add(-count);
            return known;
          }),
        );
      }),
    );

const written = (bytes: VisibleBytes): Observable<void> =>
  new Observable((subscriber) => {
    writeBytes(bytes, (error) => {
      // Why it could not be written, standard output says itself, and that ends it all.
      if (error instanceof Error) return;
      subscriber.next();
      subscriber.complete();
    });
  });
