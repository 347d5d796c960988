import { catchError, concat, defer, ignoreElements, of, takeUntil, takeWhile, tap, throwError } from 'rxjs';
import { programName } from '../process/environment.js';
import type { Run } from '../args/command.js';
import { CliError, Exit, toCliError, usageError } from '../process/exit.js';
import { stringFlag } from '../args/flags.js';
import { interrupted$, standardInput } from '../process/stdio.js';
import {
  clientFromFlags,
  serverClosedError,
  inputOptionsFromFlags,
  pipedTextSource,
  singleTextSource,
} from './clientFromFlags.js';
import { removeAnsi } from '../shared/input/source.js';

/** Runs `rxchat send --wire classic`: sends standard input, one message per line. This wire has no receipts. */
export const send: Run = ({ flags }) =>
  defer(() => {
    const message = stringFlag(flags, 'message');
    if (message === undefined && process.stdin.isTTY)
      throw usageError(
        'there is nothing to send',
        `pipe lines into ${programName()} send, or give one with -m TEXT`,
      );
    const { connect } = clientFromFlags(flags, { unique: true });
    const source =
      message === undefined
        ? pipedTextSource(standardInput(), inputOptionsFromFlags(flags))
        : singleTextSource(flags['stripAnsi'] === true ? removeAnsi(message) : message);
    let sentCount = 0;
    let isComplete = false;

    const sending$ = source.text$.pipe(
      connect,
      tap((event) => {
        if (event.type === 'input-complete') isComplete = true;
        if (event.type !== 'message' || !event.own) return;
        sentCount += 1;
        source.onWritten(event.text);
      }),
      takeWhile(() => !isComplete),
      ignoreElements(),
      takeUntil(interrupted$),
    );
    const conclude$ = defer(() => {
      if (source.failure !== undefined) throw source.failure;
      if (!isComplete) throw serverClosedError();
      return of(Exit.ok);
    });

    return concat(sending$, conclude$).pipe(
      catchError((error: unknown) => {
        const { message, hint, exitCode } = toCliError(error);
        const isPartly = exitCode === Exit.network && sentCount > 0;
        return throwError(
          () =>
            new CliError(
              isPartly ? Exit.partial : exitCode,
              sentCount === 0
                ? message
                : `${message}; messages sent: ${sentCount}, and the server does not confirm which arrived`,
              hint,
            ),
        );
      }),
    );
  });
