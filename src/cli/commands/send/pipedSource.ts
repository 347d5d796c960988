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
  reduce,
} from 'rxjs';
import { usageError } from '../../process/exit.js';
import { LONG_LINE_POLICIES, DROP_POLICIES } from '../../args/choices.js';
import type { Spool } from '../../shared/spool.js';
import { noteOutputClosed } from './report.js';
import { type Flags, flagName, choiceFlag } from '../../args/flags.js';
import type { OutgoingMessage } from '../../../../streams/index.js';
import { MAX_BATCH_BYTES, batchTexts } from '../../../../streams/client/index.js';
import { endOfTick$ } from '../../../relay/endOfTick.js';
import { type ByteInput, teeToStdout, standardInput } from '../../process/stdio.js';
import { inputLines } from '../../shared/input/inputLines.js';
import {
  type InputOptions,
  MESSAGE_MEASURE,
  type Source,
  toLineTooLongError,
  MAX_UNCONFIRMED_BYTES,
  removeAnsi,
  blockSource,
  lineSource,
} from '../../shared/input/source.js';

/** Maximum size of the waiting lines in bytes; above this, lines are dropped. */
const MAX_WAITING_BYTES = 1_048_576;

/** Which lines to drop: those that have waited longest, or new arrivals. */
export type DropPolicy = 'oldest' | 'newest';

/** Options of `lossyLines`. */
export interface LossyOptions extends InputOptions {
  /** Maximum size of the waiting lines in bytes (default 1 MiB). */
  readonly limitBytes?: number;
  /** The end of the turn, until which lines are gathered into one message. */
  readonly endOfTick$?: Observable<unknown>;
}

/**
 * Turns an input into a source of messages whose writer never blocks.
 * It reads the input at once, and drops and counts the lines above the limit. `droppedCount$` emits the count when it
 * grows.
 * A line that is too long is dropped as well, unless `longLines` says otherwise. With `end`, the lines before it are
 * sent first.
 */
export const lossyLines = (
  input: ByteInput,
  policy: DropPolicy,
  {
    limitBytes = MAX_WAITING_BYTES,
    endOfTick$: tick$ = endOfTick$,
    longLines = 'skip',
    stripAnsi = false,
  }: LossyOptions = {},
): Source => {
  const changed$ = new Subject<void>();
  let waiting: string[] = [];
  let first = 0;
  let waitingBytes = 0;
  let droppedCount = 0;
  let isEnded = false;
  let failure: { readonly error: unknown } | undefined;
  let cutCount = 0;
  let isOpen = true;

  const sizeOf = MESSAGE_MEASURE.sizeOf;

  const shift = (): string => {
    const line = waiting[first] ?? '';
    first += 1;
    waitingBytes -= sizeOf(line);
    if (first > 1024 && first > waiting.length / 2) {
      waiting = waiting.slice(first);
      first = 0;
    }
    return line;
  };

  const add = (line: string) => {
    if (waitingBytes + sizeOf(line) > limitBytes && policy === 'newest') {
      droppedCount += 1;
      return;
    }
    waiting.push(line);
    waitingBytes += sizeOf(line);
    for (; waitingBytes > limitBytes; droppedCount += 1) shift();
  };

  const onLongLine = (what: 'cut' | 'skip') => {
    if (what === 'cut') cutCount += 1;
    else droppedCount += 1;
  };

  const drain = function* (): Generator<OutgoingMessage> {
    while (isOpen && first < waiting.length) {
      const lines = [shift()];
      let bytes = sizeOf(lines[0] ?? '');
      while (first < waiting.length && (bytes += sizeOf(waiting[first] ?? '')) <= MAX_BATCH_BYTES)
        lines.push(shift());
      yield* batchTexts(lines);
    }
  };

  return {
    droppedCount$: defer(() =>
      input.chunk$.pipe(
        inputLines({
          measure: MESSAGE_MEASURE,
          longLines,
          onLongLine,
          ...(stripAnsi && { transform: removeAnsi }),
        }),
        tap({
          next: (batch) => {
            for (const line of batch) add(line);
            changed$.next();
          },
          complete: () => {
            isEnded = true;
            changed$.next();
          },
        }),
        catchError(toLineTooLongError),
        catchError((error: unknown) => {
          // The waiting lines are sent before the error is reported.
          failure = { error };
          changed$.next();
          return EMPTY;
        }),
        map(() => droppedCount),
        distinctUntilChanged(),
        filter((count) => count > 0),
      ),
    ),
    message$: defer(() =>
      changed$.pipe(
        startWith(undefined),
        audit(() => tick$),
        mergeMap(function* () {
          yield* drain();
          if (first < waiting.length) return;
          if (failure !== undefined) throw failure.error;
          if (isEnded) yield undefined;
        }),
        takeWhile((message) => message !== undefined),
      ),
    ),
    applyBackpressure: (pendingBytes) => {
      const wasOpen = isOpen;
      isOpen = pendingBytes <= MAX_UNCONFIRMED_BYTES;
      if (isOpen && !wasOpen) changed$.next();
    },
    remaining: () =>
      defer(() => {
        isOpen = true;
        return drain();
      }),
    readsAhead: true,
    get droppedCount() {
      return droppedCount;
    },
    get cutCount() {
      return cutCount;
    },
    get isEnded() {
      return isEnded;
    },
  };
};

/** Opens standard input as the flags ask: `--block`, `--tee`, `--drop`, `--long`, `--strip-ansi`. */
export const pipedSource = (flags: Flags): Source => {
  const onUnread = noteOutputClosed('copy', flags['quiet'] === true);
  const input = flags['tee'] === true ? teeToStdout(standardInput(), onUnread) : standardInput();
  const options = {
    stripAnsi: flags['stripAnsi'] === true,
    ...(flags['long'] !== undefined && { longLines: choiceFlag(flags, 'long', LONG_LINE_POLICIES) }),
  };
  if (flags['drop'] !== undefined)
    return lossyLines(input, choiceFlag(flags, 'drop', DROP_POLICIES), options);
  return flags['block'] === true ? blockSource(input, options) : lineSource(input, options);
};

/** Throws a `usageError` if flags about the input exclude each other. */
export const checkSourceFlags = (flags: Flags): void => {
  if (flags['tee'] === true && flags['json'] === true)
    throw usageError('--tee and --json would both write to standard output', 'use only one of them');
  if (flags['block'] === true && flags['drop'] !== undefined)
    throw usageError('--block sends one message, and --drop applies to lines', 'use only one of them');
  if (flags['block'] === true && flags['long'] !== undefined)
    throw usageError('--block sends one message, and --long applies to lines', 'use only one of them');
  for (const key of ['tee', 'block', 'drop', 'long'])
    if (flags[key] !== undefined && flags['message'] !== undefined)
      throw usageError(`${flagName(key)} applies to standard input, which --message replaces`);
};

/** Time in ms to count the rest of standard input, which cannot be sent. */
const COUNT_REMAINING_MS = 500;

/**
 * Counts the rest of the input, and adds it to the spool if present.
 * With a spool it also takes lines that arrive within `timeoutMs`.
 */
export const drainSource = (
  source: Source,
  spool: Spool | undefined,
  timeoutMs: number,
): Observable<number> =>
  source.remaining(spool === undefined ? COUNT_REMAINING_MS : Math.max(timeoutMs, COUNT_REMAINING_MS)).pipe(
    // A line that is too long is unrelated to the failure that ends the command.
    catchError(() => EMPTY),
    reduce((count, message) => {
      spool?.add(message);
      return count + message.lines.length;
    }, 0),
    tap(() => spool?.save()),
  );
