import {
  catchError,
  concat,
  defer,
  EMPTY,
  filter,
  finalize,
  map,
  type Observable,
  of,
  type OperatorFunction,
  reduce,
  share,
  takeUntil,
  tap,
  throwError,
  timer,
} from 'rxjs';
import {
  decodeTextLossy,
  encodeText,
  isSayable,
  LimitError,
  lines,
  pack,
  PACK_LIMIT,
  ProtocolError,
  type Say,
} from '../../streams/index.js';
import type { Input } from './process.js';

/**
 * Bytes of tokens without receipt; beyond it standard input is not read, so that whoever writes it waits. With the chunk
 * that goes over it, it stays under the smallest window that a relay can have: no sender makes its own echo fall out.
 */
export const WINDOW = 65_536;

/** How long, in ms, to read what stands in standard input and cannot be sent. */
const COUNTING = 500;

/** What is to be sent, and how to make it wait. */
export interface Source {
  /** A line that is too long is a `LimitError`, after what stood before it. */
  readonly say$: Observable<Say>;
  /** Takes note of how many bytes have no receipt yet. */
  readonly pace: (pendingBytes: number) => void;
  /**
   * What was not said by those who had `say$` and have let go of it. Completes when nothing more comes for a while; the
   * same errors.
   */
  readonly rest$: Observable<Say>;
  /** Whether all that there is was read. */
  readonly ended: boolean;
  /** Reads on, whether anybody has `say$` or not, where that is to be; emits how many lines were dropped, once they are more. */
  readonly gather$: Observable<number>;
  /** Whether it holds what was read and is not said: `rest$` then has that, and reads nothing more. */
  readonly readsAhead: boolean;
  /** How many lines were dropped, for there was no room for them. */
  readonly dropped: number;
}

/** An input as a source, a message a line. */
export const pipedLines = (input: Input): Source =>
  piped(input, (chunk$) => withLastNewline(chunk$).pipe(lines(), pack(), catchError(tooLong)));

/** An input as a source, all of it one message, without the newline at its end. */
export const pipedBlock = (input: Input): Source => piped(input, oneBlock());

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
    say$: say$.pipe(
      finalize(() => {
        input.pause();
      }),
    ),
    pace: (pendingBytes) => {
      if (pendingBytes > WINDOW) input.pause();
      else input.resume();
    },
    rest$: defer(() => {
      input.resume();
      return say$.pipe(takeUntil(timer(COUNTING)));
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
    say$: defer(() => {
      if (!isSayable(message)) throw tooBig();
      said = true;
      return of({ lines: [message] });
    }),
    pace: () => undefined,
    rest$: defer(() => (said ? EMPTY : of({ lines: [message] }))),
    ended: true,
  };
};

const oneBlock = (): OperatorFunction<Uint8Array, Say> => (chunk$) =>
  defer(() => {
    let size = 0;
    return chunk$.pipe(
      tap((chunk) => {
        size += chunk.length;
        // As JSON it is never shorter: what is too long is not read to its end.
        if (size > PACK_LIMIT + 1) throw tooBig();
      }),
      reduce((all: readonly Uint8Array[], chunk) => [...all, chunk], []),
      map((all) => decodeTextLossy(Buffer.concat(all)).replace(/\n$/, '')),
      filter((text) => text !== ''),
      map((text) => {
        if (!isSayable(text)) throw tooBig();
        return { lines: [text] };
      }),
    );
  });

const tooBig = () => new LimitError(`the message is over the limit of ${PACK_LIMIT} bytes`);

/** The last line may lack its newline; a second one makes an empty line, which is no message. */
const withLastNewline = (chunk$: Observable<Uint8Array>): Observable<Uint8Array> =>
  concat(chunk$, of(encodeText('\n')));

/** Whether it is too long for a token or for any buffer makes no difference to who said it. */
export const tooLong = (error: unknown): Observable<never> =>
  throwError(() =>
    error instanceof LimitError || error instanceof ProtocolError
      ? new LimitError(`${error.message}; neither it nor what follows was sent`)
      : error,
  );
