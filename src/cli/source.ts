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
import {
  decodeTextLossy,
  isSayable,
  LimitError,
  PACK_LIMIT,
  packTexts,
  type Say,
} from '../../streams/index.js';
import { CliError, Exit } from './exit.js';
import type { Input } from './process.js';
import { asJson, type Measure } from './sending/fitting.js';
import { inputLines, type Long } from './sending/inputLines.js';

/**
 * Bytes of tokens without receipt; beyond it standard input is not read, so that whoever writes it waits. With the chunk
 * that goes over it, it stays under the smallest window that a relay can have: no sender makes its own echo fall out.
 */
export const WINDOW = 65_536;

/** What is to be sent, and how to make it wait. */
export interface Source {
  /** A line that ends it by being too long is a `CliError`, after what was before it. */
  readonly say$: Observable<Say>;
  /** Takes note of how many bytes have no receipt yet. */
  readonly pace: (pendingBytes: number) => void;
  /**
   * What was not said by those who had `say$` and have let go of it, also what comes within so many ms; the same errors.
   */
  readonly rest: (ms: number) => Observable<Say>;
  /** Whether all that there is was read. */
  readonly ended: boolean;
  /** Reads on, whether anybody has `say$` or not, where that is to be; emits how many lines were dropped, once they are more. */
  readonly gather$: Observable<number>;
  /** Whether it holds what was read and is not said: `rest$` then has that, and reads nothing more. */
  readonly readsAhead: boolean;
  /** How many lines were dropped: there was no room for them, or they were too long. */
  readonly dropped: number;
  /** Of how many lines that were too long only the beginning was said. */
  readonly cut: number;
}

/** How standard input is read: what becomes of lines that are too long, and what is taken out of them. */
export interface InputOptions {
  readonly long?: Long;
  /** Colours and the like are left out (`--strip-ansi`). */
  readonly stripAnsi?: boolean;
}

/** An input as a source, a message a line. */
export const pipedLines = (input: Input, { long = 'end', stripAnsi = false }: InputOptions = {}): Source => {
  const skipped$ = new Subject<number>();
  let skipped = 0;
  let cut = 0;
  const onLong = (what: 'cut' | 'skip') => {
    if (what === 'cut') cut += 1;
    else skipped$.next((skipped += 1));
  };
  const source = piped(input, (chunk$) =>
    chunk$.pipe(
      inputLines({ measure: MESSAGE, long, onLong, ...(stripAnsi && { change: withoutAnsi }) }),
      mergeMap((texts) => packTexts(texts)),
      catchError(tooLong),
      finalize(() => {
        skipped$.complete();
      }),
    ),
  );
  return {
    ...source,
    gather$: skipped$,
    get ended() {
      return source.ended;
    },
    get dropped() {
      return skipped;
    },
    get cut() {
      return cut;
    },
  };
};

/** How a line counts that goes into a message. */
export const MESSAGE: Measure = asJson(PACK_LIMIT);

/** A text without the sequences that draw on a terminal. */
export const withoutAnsi = (text: string): string => stripVTControlCharacters(text);

/** An input as a source, all of it one message, without the newline at its end. */
export const pipedBlock = (input: Input, { stripAnsi = false }: InputOptions = {}): Source =>
  piped(input, oneBlock(stripAnsi ? withoutAnsi : (text) => text));

const piped = (input: Input, parse: OperatorFunction<Uint8Array, Say>): Source => {
  // What was begun goes on: who comes second gets the rest, a line that stood half in the pipe included.
  let ended = false;
  const whole$ = input.chunk$.pipe(tap({ complete: () => (ended = true) }));
  const say$ = whole$.pipe(
    parse,
    share({ resetOnRefCountZero: false, resetOnComplete: false, resetOnError: false }),
  );
  return {
    gather$: EMPTY,
    readsAhead: false,
    dropped: 0,
    cut: 0,
    say$: say$.pipe(
      finalize(() => {
        input.pause();
      }),
    ),
    pace: (pendingBytes) => {
      if (pendingBytes > WINDOW) input.pause();
      else input.resume();
    },
    rest: (ms) =>
      defer(() => {
        input.resume();
        return say$.pipe(takeUntil(timer(ms)));
      }),
    get ended() {
      return ended;
    },
  };
};

/** One message as a source. */
export const oneMessage = (message: string): Source => {
  let said = false;
  return {
    gather$: EMPTY,
    readsAhead: false,
    dropped: 0,
    cut: 0,
    say$: defer(() => {
      if (!isSayable(message)) throw tooBig(message);
      said = true;
      return of({ lines: [message] });
    }),
    pace: () => undefined,
    rest: () => defer(() => (said ? EMPTY : of({ lines: [message] }))),
    ended: true,
  };
};

const oneBlock =
  (change: (text: string) => string): OperatorFunction<Uint8Array, Say> =>
  (chunk$) =>
    defer(() => {
      let size = 0;
      return chunk$.pipe(
        tap((chunk) => {
          size += chunk.length;
          // As JSON it is never shorter: what is too long is not read to its end.
          if (size > LONGEST_BLOCK) throw tooBig();
        }),
        reduce((all: readonly Uint8Array[], chunk) => [...all, chunk], []),
        map((all) => change(decodeTextLossy(Buffer.concat(all)).replace(/^\ufeff|\n$/g, ''))),
        filter((text) => text !== ''),
        map((text) => {
          if (!isSayable(text)) throw tooBig(text);
          return { lines: [text] };
        }),
      );
    });

/** Before the text and behind it there may be a byte order mark and a newline. */
const LONGEST_BLOCK = PACK_LIMIT + 4;

const tooBig = (text?: string) => {
  const size = text === undefined ? Infinity : Buffer.byteLength(text);
  // As JSON it may be much longer.
  const sent = text === undefined || size > PACK_LIMIT ? '' : `${MESSAGE.bytesOf(text)} in a message, `;
  const has = text === undefined ? 'is ' : `has ${size} bytes, ${sent}`;
  return new LimitError(`the message ${has}over the limit of ${PACK_LIMIT} bytes`);
};

/** What ends it at a line that is too long, said to who sends. */
export const tooLong = (error: unknown): Observable<never> =>
  throwError(() =>
    error instanceof LimitError
      ? new CliError(
          Exit.limit,
          `${error.message}; neither it nor what follows was sent`,
          '--long cut, split or skip sends the lines behind it',
        )
      : error,
  );
