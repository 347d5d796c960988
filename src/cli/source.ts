import {
  catchError,
  concat,
  defer,
  type Observable,
  of,
  reduce,
  switchMap,
  takeUntil,
  tap,
  throwError,
  timer,
} from 'rxjs';
import {
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
const WINDOW = 65_536;

/** How long, in ms, to count what stands in standard input and cannot be sent. */
const COUNTING = 500;

/** What is to be sent, and how to make it wait. */
export interface Source {
  /** A line that is too long is a `LimitError`, after what stood before it. */
  readonly say$: Observable<Say>;
  /** Takes note of how many bytes have no receipt yet. */
  readonly pace: (pendingBytes: number) => void;
  /** Lines that were not said and now will not be: how many, and whether that is all of them. */
  readonly rest$: Observable<{ readonly count: number; readonly all: boolean }>;
}

/** An input as a source, a message a line. */
export const pipedLines = (input: Input): Source => ({
  say$: withLastNewline(input.chunk$).pipe(lines(), pack(), catchError(tooLong)),
  pace: (pendingBytes) => {
    if (pendingBytes > WINDOW) input.pause();
    else input.resume();
  },
  rest$: defer(() => {
    let all = false;
    const whole$ = input.chunk$.pipe(tap({ complete: () => (all = true) }));
    return withLastNewline(whole$.pipe(takeUntil(timer(COUNTING)))).pipe(
      lines({ limit: Number.MAX_SAFE_INTEGER }),
      pack({ limit: Number.MAX_SAFE_INTEGER }),
      reduce((count, say) => count + say.lines.length, 0),
      switchMap((count) => of({ count, all })),
    );
  }),
});

/** One message as a source. */
export const oneMessage = (message: string): Source => {
  let said = false;
  return {
    say$: defer(() => {
      if (!isSayable(message)) throw new LimitError(`the message is over the limit of ${PACK_LIMIT} bytes`);
      said = true;
      return of({ lines: [message] });
    }),
    pace: () => undefined,
    rest$: defer(() => of({ count: said ? 0 : 1, all: true })),
  };
};

/** The last line may lack its newline; a second one makes an empty line, which is no message. */
const withLastNewline = (chunk$: Observable<Uint8Array>): Observable<Uint8Array> =>
  concat(chunk$, of(encodeText('\n')));

/** Whether it is too long for a token or for any buffer makes no difference to who said it. */
const tooLong = (error: unknown): Observable<never> =>
  throwError(() =>
    error instanceof LimitError || error instanceof ProtocolError
      ? new LimitError(`${error.message}; neither it nor what follows was sent`)
      : error,
  );
