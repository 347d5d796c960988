import { fstatSync } from 'node:fs';
import { constants } from 'node:os';
import {
  concat,
  defer,
  filter,
  fromEvent,
  ignoreElements,
  map,
  merge,
  mergeMap,
  Observable,
  take,
  tap,
  throwError,
} from 'rxjs';
import { isHandedOver } from '../terminal/handOver.js';
import { watchReader } from '../terminal/readerGone.js';
import { afterWrites, copyOut, waitingOut } from '../terminal/write.js';
import { errorCode } from '../transport/networkError.js';
import { systemFault } from '../systemFault.js';
import { endOfTurn$ } from '../turn.js';
import { CliError, complain, Exit } from './exit.js';

const signals = (...names: readonly NodeJS.Signals[]): Observable<number> =>
  merge(...names.map((name) => fromEvent(process, name).pipe(map(() => 128 + constants.signals[name]))));

/** SIGINT and SIGTERM, as the exit code that they ask for: 130 and 143. For who has another use for SIGHUP. */
export const endSignal$: Observable<number> = signals('SIGINT', 'SIGTERM');

/** The same and SIGHUP, 129: the terminal has gone. */
export const signal$: Observable<number> = signals('SIGHUP', 'SIGINT', 'SIGTERM');

/** Never emits; errors with the exit code of the first signal. For `takeUntil`, which passes it on. */
export const interruption$: Observable<never> = signal$.pipe(
  // What is pressed in an editor is meant for that.
  filter((code) => code !== 128 + constants.signals.SIGINT || !isHandedOver()),
  take(1),
  mergeMap((code) => throwError(() => new CliError(code, 'interrupted'))),
);

/** A stream that standard input is read from, and that can be made to wait. */
export interface Input {
  readonly chunk$: Observable<Uint8Array>;
  pause(): void;
  resume(): void;
}

const isDirectory = (fd: number): boolean => {
  try {
    return fstatSync(fd).isDirectory();
  } catch {
    return false;
  }
};

/** Standard input as an Observable: completes at its end, is left alone when unsubscribed. */
export const standardInput = (): Input => {
  const { stdin } = process;
  return {
    chunk$: new Observable((subscriber) => {
      const data = (chunk: Buffer) => {
        subscriber.next(chunk);
      };
      const end = () => {
        subscriber.complete();
      };
      const fail = (error: Error) => {
        subscriber.error(new CliError(Exit.unexpected, `cannot read standard input: ${systemFault(error)}`));
      };
      // To Node a directory is an input without bytes.
      if (isDirectory(stdin.fd)) {
        fail(Object.assign(new Error('a directory'), { code: 'EISDIR' }));
        return;
      }
      if (stdin.readableEnded || stdin.destroyed) {
        end();
        return;
      }
      stdin.on('end', end).on('close', end).on('error', fail).on('data', data);
      return () => {
        stdin.off('end', end).off('close', end).off('error', fail).off('data', data);
        stdin.pause();
      };
    }),
    pause: () => stdin.pause(),
    resume: () => stdin.resume(),
  };
};

/** Whether a write to standard output failed because nobody reads it any more. */
export const isReaderGone = (error: unknown): boolean =>
  error instanceof Error && errorCode(error) === 'EPIPE';

/** Why standard output could not be written; `undefined` where its reader has gone (`| head -1`), which is no failure. */
const outputFailure = (error: Error): CliError | undefined => {
  return isReaderGone(error)
    ? undefined
    : new CliError(Exit.unexpected, `cannot write standard output: ${systemFault(error)}`);
};

/** Bytes of a copy that wait for the reader of standard output; beyond it standard input is not read. */
const COPY_WAITING = 65_536;

/**
 * An input of which standard output gets a copy, byte for byte as `tee` makes it, until nobody reads that any more; what is
 * read goes on being read. A reader of the copy that is slow makes the writer of the input wait. Calls `onUnread` when it
 * could not copy because the reader has gone.
 */
export const teed = (input: Input, onUnread: () => void = () => undefined): Input => {
  let isWanted = true;
  let isFull = false;
  const pace = () => {
    if (isWanted && !isFull) input.resume();
    else input.pause();
  };
  const written = (error: Error | null | undefined) => {
    if (isReaderGone(error)) onUnread();
    if (!isFull || waitingOut() > COPY_WAITING / 2) return;
    isFull = false;
    pace();
  };
  return {
    chunk$: input.chunk$.pipe(
      tap((chunk) => {
        copyOut(chunk, written);
        if (isFull || waitingOut() <= COPY_WAITING) return;
        isFull = true;
        pace();
      }),
    ),
    pause: () => {
      isWanted = false;
      pace();
    },
    resume: () => {
      isWanted = true;
      pace();
    },
  };
};

/**
 * Never emits; errors as `outputClosed$` does. For commands that have something to do although nobody reads what they
 * print.
 */
export const outputFailure$: Observable<never> = defer(() => outputClosed$.pipe(ignoreElements()));

/** Completes once standard output took what was written, or said why not. */
export const flushed$: Observable<never> = defer(() =>
  concat(new Observable<never>((subscriber) => afterWrites(() => subscriber.complete())), endOfTurn$).pipe(
    ignoreElements(),
  ),
);

/**
 * Emits when nobody reads standard output any more (`| head -1`): time to end quietly, also if nothing more is written. Errors
 * with `CliError` when it cannot be written for another reason (a full disk).
 */
export const outputClosed$: Observable<void> = new Observable((subscriber) => {
  const fail = (error: Error) => {
    const failure = outputFailure(error);
    if (failure === undefined) subscriber.next();
    else subscriber.error(failure);
  };
  // Not taken off again: what was written last may fail after everyone has gone.
  process.stdout.on('error', fail);
  return watchReader(() => {
    subscriber.next();
  });
});

/** For what is printed without watching `outputClosed$`, such as a help. */
const tellOutputFailure = (error: Error): void => {
  const failure = outputFailure(error);
  if (failure === undefined) return;
  complain(failure);
  process.exitCode = failure.exitCode;
};

/** From now on a reader of standard output or error that has gone ends nothing and is told nothing. */
export const surviveReaders = (): void => {
  // There is nowhere left to tell it.
  process.stderr.on('error', () => undefined);
  process.stdout.on('error', (error: Error) => {
    // Who watches `outputClosed$` says it.
    if (process.stdout.listenerCount('error') === 1) tellOutputFailure(error);
  });
};
