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
import { isTerminalLeased } from '../../terminal/terminalState.js';
import { watchPipeReader, afterPendingWrites, writeRaw, pendingOutputBytes } from '../../terminal/write.js';
import { describeSystemError, errorCode } from '../../util/errors.js';
import { endOfTick$ } from '../../relay/endOfTick.js';
import { CliError, reportError, Exit } from './exit.js';

const exitCodesOf = (...names: readonly NodeJS.Signals[]): Observable<number> =>
  merge(...names.map((name) => fromEvent(process, name).pipe(map(() => 128 + constants.signals[name]))));

/** Emits 130 for SIGINT and 143 for SIGTERM, for commands that use SIGHUP otherwise. */
export const terminationSignal$: Observable<number> = exitCodesOf('SIGINT', 'SIGTERM');

/** Emits the exit code of SIGHUP (129, the terminal is gone), SIGINT or SIGTERM. */
export const signal$: Observable<number> = exitCodesOf('SIGHUP', 'SIGINT', 'SIGTERM');

/**
 * Never emits, and errors with the exit code of the first signal.
 * Use it with `takeUntil`, which passes the error on.
 */
export const interrupted$: Observable<never> = signal$.pipe(
  // Ctrl-C in an editor is meant for the editor.
  filter((code) => code !== 128 + constants.signals.SIGINT || !isTerminalLeased()),
  take(1),
  mergeMap((code) => throwError(() => new CliError(code, 'interrupted'))),
);

/** A stream of bytes whose reading can be paused. */
export interface ByteInput {
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

/**
 * Returns standard input as an Observable.
 * Completes at the end of the input. Unsubscribing leaves the stream open.
 */
export const standardInput = (): ByteInput => {
  const { stdin } = process;
  return {
    chunk$: new Observable((subscriber) => {
      const onData = (chunk: Buffer) => {
        subscriber.next(chunk);
      };
      const onEnd = () => {
        subscriber.complete();
      };
      const onError = (error: Error) => {
        subscriber.error(
          new CliError(Exit.unexpected, `cannot read standard input: ${describeSystemError(error)}`),
        );
      };
      // Node reads a directory as an empty input.
      if (isDirectory(stdin.fd)) {
        onError(Object.assign(new Error('a directory'), { code: 'EISDIR' }));
        return;
      }
      if (stdin.readableEnded || stdin.destroyed) {
        onEnd();
        return;
      }
      stdin.on('end', onEnd).on('close', onEnd).on('error', onError).on('data', onData);
      return () => {
        stdin.off('end', onEnd).off('close', onEnd).off('error', onError).off('data', onData);
        stdin.pause();
      };
    }),
    pause: () => stdin.pause(),
    resume: () => stdin.resume(),
  };
};

/** Returns whether a write to standard output failed because its reader is gone. */
export const isBrokenPipe = (error: unknown): boolean =>
  error instanceof Error && errorCode(error) === 'EPIPE';

/**
 * Returns the error of standard output, or `undefined` if its reader is gone.
 * A reader that closes the pipe (`| head -1`) is no failure.
 */
const outputError = (error: Error): CliError | undefined => {
  return isBrokenPipe(error)
    ? undefined
    : new CliError(Exit.unexpected, `cannot write standard output: ${describeSystemError(error)}`);
};

/** Bytes of the copy that may wait; above this, reading of standard input pauses. */
const MAX_COPY_BACKLOG_BYTES = 65_536;

/**
 * Returns an input that is also copied to standard output, as by `tee`.
 * If the reader of the copy closes it, the input is still read. A slow reader of the copy blocks the writer of the
 * input. Calls `onClosed` if the copy fails because its reader is gone.
 */
export const teeToStdout = (input: ByteInput, onClosed: () => void = () => undefined): ByteInput => {
  let isWanted = true;
  let isFull = false;
  const updatePause = () => {
    if (isWanted && !isFull) input.resume();
    else input.pause();
  };
  const onWritten = (error: Error | null | undefined) => {
    if (isBrokenPipe(error)) onClosed();
    if (!isFull || pendingOutputBytes() > MAX_COPY_BACKLOG_BYTES / 2) return;
    isFull = false;
    updatePause();
  };
  return {
    chunk$: input.chunk$.pipe(
      tap((chunk) => {
        writeRaw(chunk, onWritten);
        if (isFull || pendingOutputBytes() <= MAX_COPY_BACKLOG_BYTES) return;
        isFull = true;
        updatePause();
      }),
    ),
    pause: () => {
      isWanted = false;
      updatePause();
    },
    resume: () => {
      isWanted = true;
      updatePause();
    },
  };
};

/**
 * Never emits, and errors as `outputClosed$` does.
 * For commands that keep working when their output is closed.
 */
export const outputFailure$: Observable<never> = defer(() => outputClosed$.pipe(ignoreElements()));

/** Completes when standard output has written everything or reported why it failed. */
export const flushed$: Observable<never> = defer(() =>
  concat(
    new Observable<never>((subscriber) => afterPendingWrites(() => subscriber.complete())),
    endOfTick$,
  ).pipe(ignoreElements()),
);

/**
 * Emits when standard output has no reader any more (`| head -1`).
 * It also emits if nothing more is written, so that the command can end quietly. Errors with `CliError` if writing
 * fails for another reason, such as a full disk.
 */
export const outputClosed$: Observable<void> = new Observable((subscriber) => {
  const fail = (error: Error) => {
    const failure = outputError(error);
    if (failure === undefined) subscriber.next();
    else subscriber.error(failure);
  };
  // The listener stays: the last write may fail after everyone has unsubscribed.
  process.stdout.on('error', fail);
  return watchPipeReader(() => {
    subscriber.next();
  });
});

/** Reports output errors when nothing subscribes to `outputClosed$`, such as for the help. */
const reportOutputError = (error: Error): void => {
  const failure = outputError(error);
  if (failure === undefined) return;
  reportError(failure);
  process.exitCode = failure.exitCode;
};

/** Ignores from now on that a reader of standard output or error is gone. */
export const ignoreBrokenPipe = (): void => {
  // There is no place left to report it.
  process.stderr.on('error', () => undefined);
  process.stdout.on('error', (error: Error) => {
    // Subscribers of `outputClosed$` report the error themselves.
    if (process.stdout.listenerCount('error') === 1) reportOutputError(error);
  });
};
