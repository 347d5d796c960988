import { stripVTControlCharacters } from 'node:util';
import {
  catchError,
  defer,
  EMPTY,
  filter,
  finalize,
  map,
  mergeMap,
  type Observable,
  of,
  type OperatorFunction,
  reduce,
  share,
  Subject,
  takeUntil,
  tap,
  throwError,
  timer,
} from 'rxjs';
import { LimitError, type OutgoingMessage } from '../../../../streams/index.js';
import { decodeTextLossy } from '../../../../streams/wire/index.js';
import { fitsInMessage, MAX_MESSAGE_BYTES, batchTexts } from '../../../../streams/client/index.js';
import { CliError, Exit } from '../../process/exit.js';
import type { ByteInput } from '../../process/stdio.js';
import { jsonMeasure, type TextMeasure } from './measure.js';
import { inputLines, type LongLinePolicy } from './inputLines.js';

/**
 * Maximum size of tokens without receipt, in bytes. Above it, standard input is not read, so its writer
 * blocks. With the last chunk it stays below the smallest window of a relay: no sender pushes its own echo
 * out of it.
 */
export const MAX_UNCONFIRMED_BYTES = 65_536;

/** Messages to send, with backpressure. */
export interface Source {
  /**
   * Emits the messages. Errors with a `CliError` at a line that is too long, after the messages before it.
   */
  readonly message$: Observable<OutgoingMessage>;
  /** Pauses or resumes reading for this number of bytes without receipt. */
  readonly applyBackpressure: (pendingBytes: number) => void;
  /** Emits what no subscriber of `message$` took, and input of the next `ms` ms. Errors like `message$`. */
  readonly remaining: (ms: number) => Observable<OutgoingMessage>;
  /** Whether the input was read to its end. */
  readonly isEnded: boolean;
  /**
   * Emits the count of dropped lines each time it grows. With `--drop`, it reads on even if nobody subscribes
   * to `message$`.
   */
  readonly droppedCount$: Observable<number>;
  /**
   * Whether it buffers input that was not sent. `remaining` then emits that buffer and reads nothing more.
   */
  readonly readsAhead: boolean;
  /** Number of lines dropped because the buffer was full or they were too long. */
  readonly droppedCount: number;
  /** Number of lines that were too long and were cut. */
  readonly cutCount: number;
}

/** How to read standard input: the policy for long lines, and what to remove from lines. */
export interface InputOptions {
  readonly longLines?: LongLinePolicy;
  /** Whether to remove escape sequences (`--strip-ansi`). */
  readonly stripAnsi?: boolean;
}

/** Creates a source that sends each line of an input as a message. */
export const lineSource = (
  input: ByteInput,
  { longLines = 'end', stripAnsi = false }: InputOptions = {},
): Source => {
  const skipped$ = new Subject<number>();
  let skippedCount = 0;
  let cutCount = 0;
  const onLongLine = (what: 'cut' | 'skip') => {
    if (what === 'cut') cutCount += 1;
    else skipped$.next((skippedCount += 1));
  };
  const source = inputSource(input, (chunk$) =>
    chunk$.pipe(
      inputLines({
        measure: MESSAGE_MEASURE,
        longLines,
        onLongLine,
        ...(stripAnsi && { transform: removeAnsi }),
      }),
      mergeMap((texts) => batchTexts(texts)),
      catchError(toLineTooLongError),
      finalize(() => {
        skipped$.complete();
      }),
    ),
  );
  return {
    ...source,
    droppedCount$: skipped$.asObservable(),
    get isEnded() {
      return source.isEnded;
    },
    get droppedCount() {
      return skippedCount;
    },
    get cutCount() {
      return cutCount;
    },
  };
};

/** Measures a line by its size in a message. */
export const MESSAGE_MEASURE: TextMeasure = jsonMeasure(MAX_MESSAGE_BYTES);

/** Removes escape sequences from a text. */
export const removeAnsi = (text: string): string => stripVTControlCharacters(text);

/** Creates a source that sends a whole input as a single message. The newline at its end is not sent. */
export const blockSource = (input: ByteInput, { stripAnsi = false }: InputOptions = {}): Source =>
  inputSource(input, parseBlock(stripAnsi ? removeAnsi : (text) => text));

const inputSource = (input: ByteInput, parse: OperatorFunction<Uint8Array, OutgoingMessage>): Source => {
  // The input is shared, so a second subscriber continues after the first, even in the middle of a line.
  let isEnded = false;
  let isFull = false;
  let readers = 0;
  const updatePause = () => {
    // What is read without a reader is lost, and an open input that is read keeps the process running.
    if (readers > 0 && !isFull) input.resume();
    else input.pause();
  };
  /** Reads the input while it is subscribed. */
  const whileRead = <T>(source$: Observable<T>): Observable<T> =>
    defer(() => {
      readers += 1;
      updatePause();
      return source$.pipe(
        finalize(() => {
          readers -= 1;
          updatePause();
        }),
      );
    });
  const chunk$ = input.chunk$.pipe(tap({ complete: () => (isEnded = true) }));
  const message$ = chunk$.pipe(
    parse,
    share({ resetOnRefCountZero: false, resetOnComplete: false, resetOnError: false }),
  );
  return {
    droppedCount$: EMPTY,
    readsAhead: false,
    droppedCount: 0,
    cutCount: 0,
    message$: whileRead(message$),
    applyBackpressure: (pendingBytes) => {
      isFull = pendingBytes > MAX_UNCONFIRMED_BYTES;
      updatePause();
    },
    remaining: (ms) =>
      defer(() => {
        isFull = false;
        return whileRead(message$).pipe(takeUntil(timer(ms)));
      }),
    get isEnded() {
      return isEnded;
    },
  };
};

/** Creates a source of a single message. */
export const messageSource = (message: string): Source => {
  let isSent = false;
  return {
    droppedCount$: EMPTY,
    readsAhead: false,
    droppedCount: 0,
    cutCount: 0,
    message$: defer(() => {
      if (!fitsInMessage(message)) throw messageTooLongError(message);
      isSent = true;
      return of({ lines: [message] });
    }),
    applyBackpressure: () => undefined,
    remaining: () => defer(() => (isSent ? EMPTY : of({ lines: [message] }))),
    isEnded: true,
  };
};

const parseBlock =
  (transform: (text: string) => string): OperatorFunction<Uint8Array, OutgoingMessage> =>
  (chunk$) =>
    defer(() => {
      let size = 0;
      return chunk$.pipe(
        tap((chunk) => {
          size += chunk.length;
          // The text is never shorter as JSON, so reading can stop here.
          if (size > MAX_BLOCK_BYTES) throw messageTooLongError();
        }),
        reduce((all: readonly Uint8Array[], chunk) => [...all, chunk], []),
        map((all) => transform(decodeTextLossy(Buffer.concat(all)).replace(/^\ufeff|\n$/g, ''))),
        filter((text) => text !== ''),
        map((text) => {
          if (!fitsInMessage(text)) throw messageTooLongError(text);
          return { lines: [text] };
        }),
      );
    });

/** Allows for a byte order mark before the text and a newline after it. */
const MAX_BLOCK_BYTES = MAX_MESSAGE_BYTES + 4;

const messageTooLongError = (text?: string) => {
  const size = text === undefined ? Infinity : Buffer.byteLength(text);
  // As JSON, the text may be much longer.
  const sent =
    text === undefined || size > MAX_MESSAGE_BYTES ? '' : `${MESSAGE_MEASURE.sizeOf(text)} in a message, `;
  const has = text === undefined ? 'is ' : `has ${size} bytes, ${sent}`;
  return new LimitError(`the message ${has}over the limit of ${MAX_MESSAGE_BYTES} bytes`);
};

/** Errors with a `CliError` that explains a line that is too long. */
export const toLineTooLongError = (error: unknown): Observable<never> =>
  throwError(() =>
    error instanceof LimitError
      ? new CliError(
          Exit.limit,
          `${error.message}; neither it nor what follows was sent`,
          'use --long cut, split or skip to send the lines after it',
        )
      : error,
  );
