import {
  asyncScheduler,
  from,
  type Observable,
  switchMap,
  catchError,
  EMPTY,
  finalize,
  mergeMap,
  of,
  tap,
} from 'rxjs';
import { classicClient, type ClassicEvent } from '../../../streams/classic/classicClient.js';
import { parseClassicNick } from '../../../streams/classic/framing/frames.js';
import { cipherFromFlags, nickFromFlags, timeoutMsFromFlags } from '../shared/roomOptions.js';
import { CliError, Exit, printNote } from '../process/exit.js';
import { type Flags, choiceFlag } from '../args/flags.js';
import { connectTcp } from '../../net/tcp.js';
import {
  CLIENT_IDLE_MS,
  timingFromFlags,
  unprotectedAddressFromFlags,
  warnUnprotected,
} from './classicFlags.js';
import { keyFromFlags } from './key.js';
import { MAX_TEXT_BYTES } from '../../../streams/classic/framing/tokenShape.js';
import { encodeText, LimitError } from '../../../streams/wire/index.js';
import { LONG_LINE_POLICIES } from '../args/choices.js';
import type { ByteInput } from '../process/stdio.js';
import { utf8Measure } from '../shared/input/measure.js';
import { inputLines, type InputLinesOptions } from '../shared/input/inputLines.js';
import { removeAnsi } from '../shared/input/source.js';

/** A client that is configured by its flags. */
interface ClassicConnection {
  readonly nick: string;
  /** Connects texts to the chat over one connection. */
  readonly connect: (text$: Observable<string>) => Observable<ClassicEvent>;
}

/** Returns the client of the flags that all classic commands share. Prints what the wire does not protect. */
export const clientFromFlags = (
  flags: Flags,
  { unique }: { readonly unique: boolean },
): ClassicConnection => {
  const address = unprotectedAddressFromFlags(flags);
  const key = keyFromFlags(flags);
  const flag = flags['nick'];
  const nick = typeof flag === 'string' ? parseClassicNick(flag) : nickFromFlags(flags, { unique });
  const timing = timingFromFlags(flags, CLIENT_IDLE_MS);
  const timeout = timeoutMsFromFlags(flags);
  warnUnprotected();
  return {
    nick,
    connect: (text$) =>
      from(cipherFromFlags(flags)).pipe(
        switchMap((cipher) =>
          connectTcp(address).pipe(
            switchMap((connection) =>
              text$.pipe(
                classicClient({
                  ...timing,
                  connection,
                  cipher,
                  key,
                  nick,
                  now: () => Math.floor(asyncScheduler.now() / 1000),
                  writeTimeoutMs: timeout === 0 ? Infinity : timeout,
                }),
              ),
            ),
          ),
        ),
      ),
  };
};

/** Creates the error for a connection that the server closed. */
export const serverClosedError = (): CliError =>
  new CliError(
    Exit.network,
    'the server closed the connection',
    'the classic wire cannot resume; start again',
  );

/** How many bytes may wait to be written before reading pauses. One chunk may exceed it. */
const MAX_WAITING_BYTES = 65_536;

/** The texts to send. */
export interface TextSource {
  readonly text$: Observable<string>;
  /** Called when a text was written. */
  readonly onWritten: (text: string) => void;
  /** Why not everything could be sent, once `text$` has completed. */
  readonly failure: CliError | undefined;
}

type InputOptions = Pick<InputLinesOptions, 'longLines' | 'transform'>;

/** Returns the options of `--long` and `--strip-ansi`. */
export const inputOptionsFromFlags = (flags: Flags): InputOptions => ({
  longLines: choiceFlag(flags, 'long', LONG_LINE_POLICIES),
  ...(flags['stripAnsi'] === true && { transform: removeAnsi }),
});

/** Creates a source of the lines of an input, without empty lines. */
export const pipedTextSource = (input: ByteInput, options: InputOptions): TextSource => {
  let waitingBytes = 0;
  let failure: CliError | undefined;
  let skipped = 0;
  const onLongLine = (result: 'cut' | 'skip') => {
    if (result === 'cut') printNote('a line that is too long was cut');
    else skipped += 1;
  };
  const addWaiting = (deltaBytes: number) => {
    waitingBytes += deltaBytes;
    if (waitingBytes > MAX_WAITING_BYTES) input.pause();
    else input.resume();
  };
  const sizeOf = (text: string) => encodeText(text).length;

  return {
    text$: input.chunk$.pipe(
      inputLines({ ...options, onLongLine, measure: utf8Measure(MAX_TEXT_BYTES) }),
      mergeMap((texts) => texts),
      tap((text) => {
        addWaiting(sizeOf(text));
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
    onWritten: (text) => {
      addWaiting(-sizeOf(text));
    },
    get failure() {
      if (skipped === 0) return failure;
      return failure ?? new CliError(Exit.partial, `lines skipped because they are too long: ${skipped}`);
    },
  };
};

/** Creates a source of one text. */
export const singleTextSource = (text: string): TextSource => ({
  text$: of(text),
  onWritten: () => undefined,
  failure: undefined,
});
