import {
  audit,
  catchError,
  concat,
  defer,
  distinctUntilChanged,
  filter,
  map,
  mergeMap,
  type Observable,
  of,
  startWith,
  Subject,
  takeWhile,
  tap,
} from 'rxjs';
import {
  BATCH_LIMIT,
  eachLine,
  encodeText,
  decodeTextLossy,
  isSayable,
  lines,
  type Say,
} from '../../streams/index.js';
import { endOfTurn$ } from '../turn.js';
import type { Input } from './process.js';
import { type Source, tooLong, WINDOW } from './source.js';

/** Bytes of lines that wait while the relay takes none; beyond it lines are dropped. */
const WAITING = 1_048_576;

/** Which lines are dropped: those that wait for longest, or those that come. */
export type Drop = 'oldest' | 'newest';

export interface DroppingOptions {
  /** Bytes of lines that may wait; 1 MiB. */
  readonly limit?: number;
  /** The end of the turn, until which lines are gathered into one. */
  readonly turn$?: Observable<unknown>;
}

/**
 * An input as a source, a message a line, whose writer never waits: it is read at once, and what is too much is dropped and
 * counted: `gather$` tells how many, whenever it was more. A line that is too long for a token is dropped too; one that is
 * too long for any buffer is a `LimitError`.
 */
export const droppingLines = (
  input: Input,
  drop: Drop,
  { limit = WAITING, turn$ = endOfTurn$ }: DroppingOptions = {},
): Source => {
  const changed$ = new Subject<void>();
  let waiting: string[] = [];
  let first = 0;
  let size = 0;
  let dropped = 0;
  let ended = false;
  let isOpen = true;

  const sizeOf = (line: string) => Buffer.byteLength(JSON.stringify(line)) + 1;

  const shift = (): string => {
    const line = waiting[first] ?? '';
    first += 1;
    size -= sizeOf(line);
    if (first > 1024 && first > waiting.length / 2) {
      waiting = waiting.slice(first);
      first = 0;
    }
    return line;
  };

  const add = (line: string) => {
    if (line === '') return;
    const isTooMuch = size + sizeOf(line) > limit;
    if (!isSayable(line) || (isTooMuch && drop === 'newest')) {
      dropped += 1;
      return;
    }
    waiting.push(line);
    size += sizeOf(line);
    for (; size > limit; dropped += 1) shift();
  };

  const drain = function* (): Generator<Say> {
    while (isOpen && first < waiting.length) {
      const together = [shift()];
      let bytes = sizeOf(together[0] ?? '');
      while (first < waiting.length && (bytes += sizeOf(waiting[first] ?? '')) <= BATCH_LIMIT)
        together.push(shift());
      yield { lines: together };
    }
  };

  return {
    gather$: defer(() =>
      concat(input.chunk$, of(encodeText('\n'))).pipe(
        lines(),
        tap({
          next: (batch) => {
            for (const line of eachLine(batch)) add(decodeTextLossy(line.subarray(0, -1)));
            changed$.next();
          },
          complete: () => {
            ended = true;
            changed$.next();
          },
        }),
        catchError(tooLong),
        map(() => dropped),
        distinctUntilChanged(),
        filter((count) => count > 0),
      ),
    ),
    say$: defer(() =>
      changed$.pipe(
        startWith(undefined),
        audit(() => turn$),
        mergeMap(function* () {
          yield* drain();
          if (ended && first >= waiting.length) yield undefined;
        }),
        takeWhile((say) => say !== undefined),
      ),
    ),
    pace: (pendingBytes) => {
      const wasOpen = isOpen;
      isOpen = pendingBytes <= WINDOW;
      if (isOpen && !wasOpen) changed$.next();
    },
    rest$: defer(() => {
      isOpen = true;
      return drain();
    }),
    readsAhead: true,
    get dropped() {
      return dropped;
    },
    get ended() {
      return ended;
    },
  };
};
