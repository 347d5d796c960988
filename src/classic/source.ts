import { catchError, concat, EMPTY, finalize, mergeMap, type Observable, of, tap } from 'rxjs';
import { TEXT_LIMIT } from '../../streams/classic/tokenShape.js';
import { decodeTextLossy, eachLine, encodeText, lines, ProtocolError } from '../../streams/wire/index.js';
import { CliError, Exit } from '../cli/exit.js';
import type { Input } from '../cli/process.js';

/** Bytes of texts that wait to be written; beyond it the input is not read. One chunk may come on top. */
const WINDOW = 65_536;

/** What is to be said. */
export interface Source {
  readonly say$: Observable<string>;
  /** Takes note that a text was written. */
  readonly wrote: (text: string) => void;
  /** Why not all of it could be said, once `say$` has completed. */
  readonly failure: CliError | undefined;
}

/** An input as a source, a message a line; empty lines are none. */
export const pipedTexts = (input: Input): Source => {
  let waiting = 0;
  let number = 0;
  let failure: CliError | undefined;
  const pace = (change: number) => {
    waiting += change;
    if (waiting > WINDOW) input.pause();
    else input.resume();
  };
  const sizeOf = (text: string) => encodeText(text).length;

  return {
    say$: concat(input.chunk$, of(encodeText('\n'))).pipe(
      lines({ limit: TEXT_LIMIT + 1 }),
      mergeMap((batch) =>
        Array.from(eachLine(batch), (line) => {
          number += 1;
          return decodeTextLossy(line.subarray(0, -1));
        }).filter((text) => text !== ''),
      ),
      tap((text) => {
        pace(sizeOf(text));
      }),
      catchError((error: unknown) => {
        if (!(error instanceof ProtocolError)) throw error;
        failure = new CliError(
          Exit.limit,
          `line ${number + 1} is over the limit of ${TEXT_LIMIT} bytes; neither it nor what follows was sent`,
        );
        return EMPTY;
      }),
      finalize(() => {
        input.pause();
      }),
    ),
    wrote: (text) => {
      pace(-sizeOf(text));
    },
    get failure() {
      return failure;
    },
  };
};

/** One message as a source. */
export const oneText = (text: string): Source => ({
  say$: of(text),
  wrote: () => undefined,
  failure: undefined,
});
