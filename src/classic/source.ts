import { catchError, EMPTY, finalize, mergeMap, type Observable, of, tap } from 'rxjs';
import { TEXT_LIMIT } from '../../streams/classic/tokenShape.js';
import { encodeText, LimitError } from '../../streams/wire/index.js';
import { LONG } from '../cli/choices.js';
import { CliError, Exit, note } from '../cli/exit.js';
import { choice, type Flags } from '../cli/flags.js';
import type { Input } from '../cli/process.js';
import { asUtf8 } from '../cli/sending/fitting.js';
import { inputLines, type InputLinesOptions } from '../cli/sending/inputLines.js';
import { withoutAnsi } from '../cli/source.js';

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

type InputOptions = Pick<InputLinesOptions, 'long' | 'change'>;

/** What becomes of lines of standard input: `--long`, `--strip-ansi`. */
export const readInputOptions = (flags: Flags): InputOptions => ({
  long: choice(flags, 'long', LONG),
  ...(flags['stripAnsi'] === true && { change: withoutAnsi }),
});

/** An input as a source, a message a line; empty lines are none. */
export const pipedTexts = (input: Input, options: InputOptions): Source => {
  let waiting = 0;
  let failure: CliError | undefined;
  let skipped = 0;
  const onLong = (what: 'cut' | 'skip') => {
    if (what === 'cut') note('a line that is too long was cut');
    else skipped += 1;
  };
  const pace = (change: number) => {
    waiting += change;
    if (waiting > WINDOW) input.pause();
    else input.resume();
  };
  const sizeOf = (text: string) => encodeText(text).length;

  return {
    say$: input.chunk$.pipe(
      inputLines({ ...options, onLong, measure: asUtf8(TEXT_LIMIT) }),
      mergeMap((texts) => texts),
      tap((text) => {
        pace(sizeOf(text));
      }),
      catchError((error: unknown) => {
        if (!(error instanceof LimitError)) throw error;
        failure = new CliError(Exit.limit, `${error.message}; neither it nor what follows was sent`);
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
      if (skipped === 0) return failure;
      return failure ?? new CliError(Exit.partly, `lines left out, for they are too long: ${skipped}`);
    },
  };
};

/** One message as a source. */
export const oneText = (text: string): Source => ({
  say$: of(text),
  wrote: () => undefined,
  failure: undefined,
});
