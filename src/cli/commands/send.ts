import {
  catchError,
  concat,
  defer,
  EMPTY,
  from,
  ignoreElements,
  type Observable,
  of,
  reduce,
  switchMap,
  takeUntil,
  takeWhile,
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
  type Say,
} from '../../../streams/index.js';
import { room } from '../../room.js';
import { needInvite, needPlain, readNick, readRoomOptions } from '../client.js';
import type { Run } from '../commandTable.js';
import { CliError, Exit, note, toCliError, usageError } from '../exit.js';
import { text } from '../flags.js';
import { type Input, interruption$, standardInput } from '../process.js';
import { type Receipts, receipts } from '../receipts.js';

/** Characters without receipt; beyond it standard input is not read, so that whoever writes it waits. */
const WINDOW = 262_144;

/** How long, in ms, to count what stands in standard input and cannot be sent. */
const COUNTING = 500;

/** What is to be sent, and how to make it wait. */
interface Source {
  readonly say$: Observable<Say>;
  readonly hold: (full: boolean) => void;
  /** Lines that were not said and now will not be: how many, and whether that is all of them. */
  readonly rest$: Observable<{ readonly count: number; readonly all: boolean }>;
}

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
        source.hold(account.pendingSize > WINDOW);
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

const pipedLines = (input: Input): Source => ({
  // The last line may lack its newline; a second one makes an empty line, which is no message.
  say$: concat(input.chunk$, of(encodeText('\n'))).pipe(lines(), pack()),
  hold: (full) => {
    if (full) input.pause();
    else input.resume();
  },
  rest$: defer(() => {
    let all = false;
    const whole$ = input.chunk$.pipe(tap({ complete: () => (all = true) }));
    const counted$ = concat(whole$.pipe(takeUntil(timer(COUNTING))), of(encodeText('\n')));
    return counted$.pipe(
      lines({ limit: Number.MAX_SAFE_INTEGER }),
      pack({ limit: Number.MAX_SAFE_INTEGER }),
      reduce((count, say) => count + say.lines.length, 0),
      switchMap((count) => of({ count, all })),
    );
  }),
});

const oneMessage = (message: string): Source => {
  let said = false;
  return {
    say$: defer(() => {
      if (!isSayable(message)) throw new LimitError(`the message is over the limit of ${PACK_LIMIT} bytes`);
      said = true;
      return of({ lines: [message] });
    }),
    hold: () => undefined,
    rest$: defer(() => of({ count: said ? 0 : 1, all: true })),
  };
};

/** The same failure, with what became of the lines. */
const unsent = (failure: CliError, account: Receipts, rest: number, all: boolean): CliError => {
  const { stored, pending } = account;
  const lost = pending.length + rest;
  const { message, hint, exitCode } = failure;
  if (lost === 0 && stored === 0) return failure;
  const partly = exitCode === Exit.network && stored > 0 && lost > 0;
  return new CliError(
    partly ? Exit.partly : exitCode,
    `${message}; ${stored} of ${all ? '' : 'at least '}${stored + lost} lines were stored, ${lost} were not`,
    hint,
  );
};
