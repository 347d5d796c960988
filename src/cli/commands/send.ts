import {
  catchError,
  concat,
  defer,
  EMPTY,
  from,
  ignoreElements,
  of,
  switchMap,
  takeUntil,
  takeWhile,
  tap,
  throwError,
} from 'rxjs';
import { room } from '../../room.js';
import { needPlain } from '../address.js';
import { needInvite, readNick, readRoomOptions } from '../client.js';
import type { Run } from '../commandTable.js';
import { CliError, Exit, note, toCliError, usageError } from '../exit.js';
import { text } from '../flags.js';
import { interruption$, standardInput } from '../process.js';
import { type Receipts, receipts } from '../receipts.js';
import { oneMessage, pipedLines } from '../source.js';

/** `rxchat send`: standard input, a message a line; ends when all are stored. */
export const send: Run = (args) =>
  defer(() => {
    const { flags } = args;
    const invite = needInvite(args);
    needPlain(invite, flags);
    const nick = readNick(flags, { unique: true });
    const message = text(flags, 'message');
    if (message === undefined && process.stdin.isTTY)
      throw usageError('there is nothing to send', 'pipe lines into rxchat send, or give one with -m TEXT');

    const source = message === undefined ? pipedLines(standardInput()) : oneMessage(message);
    const account = receipts();
    let unsayable: CliError | undefined;

    const sending$ = from(readRoomOptions(flags, nick)).pipe(
      switchMap((options) =>
        source.say$.pipe(
          catchError((error: unknown) => {
            // What was said before is on its way: its receipts are waited for, then this is told.
            unsayable = toCliError(error);
            return EMPTY;
          }),
          room(invite, options),
        ),
      ),
      tap((heard) => {
        account.take(heard);
        source.pace(account.pendingBytes);
      }),
      takeWhile(() => !account.done, true),
      ignoreElements(),
      takeUntil(interruption$),
    );

    const conclude$ = defer(() => {
      if (!account.done) throw new CliError(Exit.network, 'the relay is shutting down');
      if (unsayable !== undefined) throw unsayable;
      if (account.damaged) note('some input was not UTF-8; U+FFFD stands in its place');
      return of(Exit.ok);
    });

    return concat(sending$, conclude$).pipe(
      catchError((error: unknown) => {
        const failure = toCliError(error);
        const rest$ =
          failure.exitCode === Exit.network || failure.exitCode === Exit.refused ? source.rest$ : NO_REST$;
        return rest$.pipe(
          switchMap(({ count, all }) => throwError(() => unsent(failure, account, count, all))),
        );
      }),
    );
  });

const NO_REST$ = of({ count: 0, all: true });

/** The same failure, with what became of the lines. */
const unsent = (failure: CliError, account: Receipts, rest: number, all: boolean): CliError => {
  const { stored, pending } = account;
  const lost = pending.length + rest;
  const { message, hint, exitCode } = failure;
  if (lost === 0 && stored === 0) return failure;
  if (exitCode === Exit.limit) return new CliError(exitCode, `${message}; lines stored: ${stored}`, hint);
  const partly = exitCode === Exit.network && stored > 0 && lost > 0;
  return new CliError(
    partly ? Exit.partly : exitCode,
    `${message}; lines stored: ${stored}, not stored: ${all ? '' : 'at least '}${lost}`,
    hint,
  );
};
