import { catchError, concat, defer, ignoreElements, of, takeUntil, takeWhile, tap, throwError } from 'rxjs';
import { calledAs } from '../../cli/calledAs.js';
import type { Run } from '../../cli/commandTable.js';
import { CliError, Exit, toCliError, usageError } from '../../cli/exit.js';
import { text } from '../../cli/flags.js';
import { interruption$, standardInput } from '../../cli/process.js';
import { readClient, serverGone } from '../client.js';
import { withoutAnsi } from '../../cli/source.js';
import { oneText, pipedTexts, readInputOptions } from '../source.js';

/**
 * `rxchat send --wire classic`: standard input, a message a line; ends when all was handed over, for this wire has no
 * receipts.
 */
export const send: Run = ({ flags }) =>
  defer(() => {
    const message = text(flags, 'message');
    if (message === undefined && process.stdin.isTTY)
      throw usageError(
        'there is nothing to send',
        `pipe lines into ${calledAs()} send, or give one with -m TEXT`,
      );
    const { hear } = readClient(flags, { unique: true });
    const source =
      message === undefined
        ? pipedTexts(standardInput(), readInputOptions(flags))
        : oneText(flags['stripAnsi'] === true ? withoutAnsi(message) : message);
    let sent = 0;
    let isAll = false;

    const sending$ = source.say$.pipe(
      hear,
      tap((heard) => {
        if (heard.type === 'said-all') isAll = true;
        if (heard.type !== 'message' || !heard.own) return;
        sent += 1;
        source.wrote(heard.text);
      }),
      takeWhile(() => !isAll),
      ignoreElements(),
      takeUntil(interruption$),
    );
    const conclude$ = defer(() => {
      if (source.failure !== undefined) throw source.failure;
      if (!isAll) throw serverGone();
      return of(Exit.ok);
    });

    return concat(sending$, conclude$).pipe(
      catchError((error: unknown) => {
        const { message, hint, exitCode } = toCliError(error);
        const isPartly = exitCode === Exit.network && sent > 0;
        return throwError(
          () =>
            new CliError(
              isPartly ? Exit.partly : exitCode,
              sent === 0 ? message : `${message}; messages sent: ${sent}, and nothing tells which arrived`,
              hint,
            ),
        );
      }),
    );
  });
