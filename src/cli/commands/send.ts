import {
  catchError,
  concat,
  connect,
  defer,
  EMPTY,
  from,
  ignoreElements,
  merge,
  type Observable,
  of,
  reduce,
  switchMap,
  takeUntil,
  takeWhile,
  tap,
  throwError,
} from 'rxjs';
import type { Invite } from '../../invite/invite.js';
import { room } from '../../room.js';
import { writeOut } from '../../terminal/write.js';
import { DROPPED } from '../choices.js';
import { needInvite, readNick, readRoomOptions } from '../client.js';
import type { Run } from '../commandTable.js';
import { CliError, Exit, note, toCliError, usageError } from '../exit.js';
import { choice, flagName, type Flags, span, text } from '../flags.js';
import { droppingLines } from '../dropping.js';
import { giveUp, tellState } from '../offline.js';
import { flushed$, interruption$, outputFailure$, standardInput, teed } from '../process.js';
import { openPeople } from '../people.js';
import { readLink } from '../relayLink.js';
import { deriveRoomKeys } from '../../crypto/roomKeys.js';
import { type Receipts, receipts } from '../receipts.js';
import { receiptLines } from '../receiptLines.js';
import { oneMessage, pipedBlock, pipedLines, type Source } from '../source.js';
import { keeping, openSpool, type Spool, spoolDir } from '../spool.js';

/** How long, in ms, what was said may wait without any receipt. */
const TIMEOUT = 30_000;
const LONGEST_TIMEOUT = 86_400_000;

/** `rxchat send`: standard input, a message a line; ends when all are stored. */
export const send: Run = (args) => needInvite(args).pipe(switchMap((invite) => sendTo(invite, args.flags)));

const sendTo = (invite: Invite, flags: Flags): Observable<number> =>
  defer(() => {
    checkOutput(flags);
    const link = readLink(invite, flags);
    const { room: name } = deriveRoomKeys(invite.secret);
    const people = openPeople(name, flags);
    const nick = readNick(flags, { unique: true });
    const timeout = span(flags, 'timeout', 0, LONGEST_TIMEOUT) ?? TIMEOUT;
    const message = text(flags, 'message');
    if (message === undefined && process.stdin.isTTY)
      throw usageError('there is nothing to send', 'pipe lines into rxchat send, or give one with -m TEXT');

    const source = message === undefined ? pipedSource(flags) : oneMessage(message);
    const receipt = receiptLines(name);
    const account = receipts();
    const spool = flags['spool'] === true ? openSpool(spoolDir(), invite, nick, people.identity) : undefined;
    let unsayable: CliError | undefined;

    const sending$ = from(readRoomOptions(flags, nick)).pipe(
      switchMap((options) =>
        source.say$.pipe(
          catchError((error: unknown) => {
            // What was said before is on its way: its receipts are waited for, then this is told.
            unsayable = toCliError(error);
            return EMPTY;
          }),
          room(invite, {
            ...options,
            ...people,
            connect: link,
            ...(spool !== undefined && { restored: spool, after: spool.after }),
          }),
        ),
      ),
      people.insist(),
      spool === undefined ? tap() : keeping(spool),
      tap((heard) => {
        account.take(heard);
        source.pace(account.pendingBytes);
        const line = flags['json'] === true ? receipt(heard) : undefined;
        if (line !== undefined) writeOut(line);
      }),
      takeWhile(() => !account.done, true),
      connect((heard$) =>
        merge(heard$, heard$.pipe(tellState(invite), tap(note), ignoreElements())).pipe(
          takeUntil(heard$.pipe(giveUp(account, timeout))),
        ),
      ),
      ignoreElements(),
      takeUntil(interruption$),
    );

    const conclude$ = defer(() => {
      if (unsayable !== undefined) throw unsayable;
      if (account.damaged) note('some input was not UTF-8; U+FFFD stands in its place');
      if (source.dropped > 0) throw new CliError(Exit.partly, `lines dropped: ${source.dropped}`);
      return of(Exit.ok);
    });

    const sent$ = concat(merge(source.gather$, sending$), flushed$, conclude$).pipe(
      takeUntil(outputFailure$),
    );
    return sent$.pipe(
      catchError((error: unknown) => {
        const failure = toCliError(error);
        const isRetried = failure.exitCode === Exit.network || failure.exitCode === Exit.refused;
        return (isRetried ? leave(source, spool) : of(0)).pipe(
          switchMap((rest) =>
            throwError(() =>
              unsent(
                failure,
                account,
                rest,
                { ended: source.ended || !isRetried, dropped: source.dropped },
                spool,
              ),
            ),
          ),
        );
      }),
    );
  });

/** Standard input as it is to be sent: `--block`, `--tee`. */
const pipedSource = (flags: Flags): Source => {
  const input = flags['tee'] === true ? teed(standardInput()) : standardInput();
  if (flags['drop'] !== undefined) return droppingLines(input, choice(flags, 'drop', DROPPED));
  return flags['block'] === true ? pipedBlock(input) : pipedLines(input);
};

const checkOutput = (flags: Flags): void => {
  if (flags['tee'] === true && flags['json'] === true)
    throw usageError('--tee and --json would both write to standard output', 'leave one of them away');
  if (flags['block'] === true && flags['drop'] !== undefined)
    throw usageError('--block is one message, and --drop is about lines', 'leave one of them away');
  for (const key of ['tee', 'block', 'drop'])
    if (flags[key] !== undefined && flags['message'] !== undefined)
      throw usageError(`${flagName(key)} is about standard input, and --message stands in its place`);
};

/** Takes what is still there: into the spool, where there is one. How many lines that were. */
const leave = (source: Source, spool: Spool | undefined): Observable<number> =>
  source.rest$.pipe(
    // A line that is too long has nothing to do with why it all ends.
    catchError(() => EMPTY),
    reduce((count, say) => {
      spool?.add(say);
      return count + say.lines.length;
    }, 0),
    tap(() => spool?.save()),
  );

/** The same failure, with what became of the lines. */
const unsent = (
  failure: CliError,
  account: Receipts,
  rest: number,
  { ended, dropped }: Pick<Source, 'ended' | 'dropped'>,
  spool: Spool | undefined,
): CliError => {
  const { stored, pending } = account;
  const lost = pending.length + rest + dropped;
  const { message, hint, exitCode } = failure;
  if (lost === 0 && stored === 0 && spool === undefined) return failure;
  if (exitCode === Exit.limit) return new CliError(exitCode, `${message}; lines stored: ${stored}`, hint);
  const partly = exitCode === Exit.network && stored > 0 && lost > 0;
  const count = `${ended ? '' : 'at least '}${lost}`;
  return new CliError(
    partly ? Exit.partly : exitCode,
    `${message}; lines stored: ${stored}, not stored: ${count}`,
    spool !== undefined && spool.count > 0
      ? `lines kept for the next run with --spool: ${spool.count}`
      : hint,
  );
};
