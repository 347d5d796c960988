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
import { encodeSafe, joinLines, type SafeText, type SafeBytes } from '../../text/sanitize.js';
import { writeBytes } from '../../terminal/write.js';
import { endOfTick$ } from '../../relay/endOfTick.js';
import { printNote } from './exit.js';

/** Collects the values of each turn of the event loop into an array. */
export const bufferTick =
  <T>(): OperatorFunction<T, T[]> =>
  (value$) =>
    value$.pipe(
      connect((shared$) => shared$.pipe(buffer(shared$.pipe(audit(() => endOfTick$))))),
      // `buffer` emits its rest when the source completes, even if that is empty.
      filter((values) => values.length > 0),
    );

/** Joins the lines of each turn of the event loop into one write. */
export const coalesceWrites = (): OperatorFunction<SafeText, SafeText> => (line$) =>
  line$.pipe(bufferTick(), map(joinLines));

/** A part of the values of one turn of the event loop. */
export interface TickSlice<T> {
  readonly values: readonly T[];
  /** The next value of the same turn, or `undefined` if the turn is over. */
  readonly next: T | undefined;
}

/** Values per slice. A small number bounds the objects that wait, however many lines a message has. */
const SLICE_SIZE = 64;

/**
 * Groups the values of each turn of the event loop into slices.
 * Emits a full slice when the next value arrives, and the last slice when the turn is over. Completes and errors with
 * its source.
 */
export const sliceTicks =
  <T>(
    size: number = SLICE_SIZE,
    tick$: Observable<unknown> = endOfTick$,
  ): OperatorFunction<T, TickSlice<T>> =>
  (value$) =>
    defer(() => {
      let values: T[] = [];
      const takeFull = (next: T): TickSlice<T> | undefined => {
        const slice = values.length < size ? undefined : { values, next };
        if (slice !== undefined) values = [];
        values.push(next);
        return slice;
      };
      const takeRest = (): TickSlice<T> | undefined => {
        const slice = values.length === 0 ? undefined : { values, next: undefined };
        values = [];
        return slice;
      };
      return value$.pipe(
        connect((shared$) =>
          merge(
            shared$.pipe(map(takeFull)),
            shared$.pipe(
              audit(() => tick$),
              map(takeRest),
            ),
          ),
        ),
        filter((slice) => slice !== undefined),
      );
    });

/** The output of a slice, and the value to emit once it is written. */
interface WriteRequest<K> {
  readonly lines: readonly SafeText[];
  /** Notes for standard error, written before the lines. */
  readonly notes?: readonly string[];
  /** The number of items in the slice. */
  readonly count: number;
  readonly value: K;
}

/**
 * Writes each slice to standard output after the system has accepted the previous slice.
 * Waiting slices are kept as bytes, which do not fill the heap. Emits the `value` of each slice once it is written.
 */
export const writeSlices =
  <T, K>(
    format: (slice: T) => WriteRequest<K>,
    backpressure: { readonly add: (count: number) => void },
  ): OperatorFunction<T, K> =>
  (slice$) =>
    slice$.pipe(
      map(format),
      map(({ lines, ...rest }) => ({
        ...rest,
        bytes: lines.length === 0 ? undefined : encodeSafe(joinLines(lines)),
      })),
      concatMap(({ bytes, notes = [], count, value }) => {
        for (const text of notes) printNote(text);
        const written$ = bytes === undefined ? of(undefined) : writeStdout(bytes);
        return written$.pipe(
          map(() => {
            backpressure.add(-count);
            return value;
          }),
        );
      }),
    );

const writeStdout = (bytes: SafeBytes): Observable<void> =>
  new Observable((subscriber) => {
    writeBytes(bytes, (error) => {
      // Standard output reports its own error, and that error ends the command.
      if (error instanceof Error) return;
      subscriber.next();
      subscriber.complete();
    });
  });
