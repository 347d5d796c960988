import {
  audit,
  catchError,
  defer,
  distinctUntilChanged,
  EMPTY,
  filter,
  map,
  mergeMap,
  type Observable,
  startWith,
  Subject,
  takeWhile,
  tap,
} from 'rxjs';
import { BATCH_LIMIT, packTexts, type Say } from '../../streams/index.js';
import { endOfTurn$ } from '../turn.js';
import type { Input } from './process.js';
import { inputLines } from './sending/inputLines.js';
import { type InputOptions, MESSAGE, type Source, tooLong, WINDOW, withoutAnsi } from './source.js';

/** Bytes of lines that wait while the relay takes none; beyond it lines are dropped. */
const WAITING = 1_048_576;

/** Which lines are dropped: those that wait for longest, or those that come. */
export type Drop = 'oldest' | 'newest';

export interface DroppingOptions extends InputOptions {
  /** Bytes of lines that may wait; 1 MiB. */
  readonly limit?: number;
  /** The end of the turn, until which lines are gathered into one. */
  readonly turn$?: Observable<unknown>;
}

/**
 * An input as a source, a message a line, whose writer never waits: it is read at once, and what is too much is dropped and
 * counted: `gather$` tells how many, whenever it was more. So is a line that is too long, unless `long` says otherwise; with
 * `end` what was read before it is said first.
 */
export const droppingLines = (
  input: Input,
  drop: Drop,
  { limit = WAITING, turn$ = endOfTurn$, long = 'skip', stripAnsi = false }: DroppingOptions = {},
): Source => {
  const changed$ = new Subject<void>();
  let waiting: string[] = [];
  let first = 0;
  let size = 0;
  let dropped = 0;
  let ended = false;
  let failure: { readonly error: unknown } | undefined;
  let cut = 0;
  let isOpen = true;

  const sizeOf = MESSAGE.bytesOf;

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
    if (size + sizeOf(line) > limit && drop === 'newest') {
      dropped += 1;
      return;
    }
    waiting.push(line);
    size += sizeOf(line);
    for (; size > limit; dropped += 1) shift();
  };

  const onLong = (what: 'cut' | 'skip') => {
    if (what === 'cut') cut += 1;
    else dropped += 1;
  };

  const drain = function* (): Generator<Say> {
    while (isOpen && first < waiting.length) {
      const together = [shift()];
      let bytes = sizeOf(together[0] ?? '');
      while (first < waiting.length && (bytes += sizeOf(waiting[first] ?? '')) <= BATCH_LIMIT)
        together.push(shift());
      yield* packTexts(together);
    }
  };

  return {
    gather$: defer(() =>
      input.chunk$.pipe(
        inputLines({ measure: MESSAGE, long, onLong, ...(stripAnsi && { change: withoutAnsi }) }),
        tap({
          next: (batch) => {
            for (const line of batch) add(line);
            changed$.next();
          },
          complete: () => {
            ended = true;
            changed$.next();
          },
        }),
        catchError(tooLong),
        catchError((error: unknown) => {
          // What waits is said before it is told.
          failure = { error };
          changed$.next();
          return EMPTY;
        }),
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
          if (first < waiting.length) return;
          if (failure !== undefined) throw failure.error;
          if (ended) yield undefined;
        }),
        takeWhile((say) => say !== undefined),
      ),
    ),
    pace: (pendingBytes) => {
      const wasOpen = isOpen;
      isOpen = pendingBytes <= WINDOW;
      if (isOpen && !wasOpen) changed$.next();
    },
    rest: () =>
      defer(() => {
        isOpen = true;
        return drain();
      }),
    readsAhead: true,
    get dropped() {
      return dropped;
    },
    get cut() {
      return cut;
    },
    get ended() {
      return ended;
    },
  };
};
