import { constants } from 'node:os';
import { fromEvent, map, merge, mergeMap, Observable, take, throwError } from 'rxjs';
import { errorCode } from '../transport/networkError.js';
import { CliError, Exit } from './exit.js';

/** SIGINT and SIGTERM, as the exit code that they ask for: 130 and 143. */
export const signal$: Observable<number> = merge(
  ...(['SIGINT', 'SIGTERM'] as const).map((name) =>
    fromEvent(process, name).pipe(map(() => 128 + constants.signals[name])),
  ),
);

/** Never emits; errors with the exit code of the first SIGINT or SIGTERM. For `takeUntil`, which passes it on. */
export const interruption$: Observable<never> = signal$.pipe(
  take(1),
  mergeMap((code) => throwError(() => new CliError(code, 'interrupted'))),
);

/** A stream that standard input is read from, and that can be made to wait. */
export interface Input {
  readonly chunk$: Observable<Uint8Array>;
  pause(): void;
  resume(): void;
}

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
        subscriber.error(
          new CliError(Exit.unexpected, `cannot read standard input: ${errorCode(error) ?? 'unknown'}`),
        );
      };
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

/**
 * Emits when nobody reads standard output any more (`| head -1`): time to end quietly. Errors with `CliError` when it
 * cannot be written for another reason (a full disk).
 */
export const outputClosed$: Observable<void> = new Observable((subscriber) => {
  const fail = (error: Error) => {
    if (errorCode(error) === 'EPIPE') subscriber.next();
    else
      subscriber.error(
        new CliError(Exit.unexpected, `cannot write standard output: ${errorCode(error) ?? 'unknown'}`),
      );
  };
  // Not taken off again: what was written last may fail after everyone has gone.
  process.stdout.on('error', fail);
});
