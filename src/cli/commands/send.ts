import {
  catchError,
  concat,
  connect,
  defer,
  EMPTY,
  finalize,
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
import { clearStatus, showStatus, waitingOut, writeOut } from '../../terminal/write.js';
import { atMostEvery } from '../atMostEvery.js';
import { calledAs } from '../calledAs.js';
import { DROPPED, LONG } from '../choices.js';
import { needInvite, readNick, readRoomOptions } from '../client.js';
import type { Run } from '../commandTable.js';
import { CliError, Exit, note, toCliError, usageError } from '../exit.js';
import { choice, flagName, type Flags, span, text } from '../flags.js';
import { droppingLines } from '../dropping.js';
import { giveUp, tellState } from '../offline.js';
import { flushed$, interruption$, isReaderGone, outputFailure$, standardInput, teed } from '../process.js';
import { openPeople, type People } from '../people.js';
import { readLink } from '../relayLink.js';
import { deriveRoomKeys } from '../../crypto/roomKeys.js';
import { STANDARD_INPUT } from '../inviteFile.js';
import { receipts } from '../receipts.js';
import { receiptLines } from '../receiptLines.js';
import { type Outcome, outcomeText, withOutcome } from '../sending/outcome.js';
import { progress, showsProgress } from '../sending/progress.js';
import { tellDropped, TOLD_EVERY } from '../sending/tellDropped.js';
import { unreadNote } from '../sending/unreadNote.js';
import { oneMessage, pipedBlock, pipedLines, type Source, withoutAnsi } from '../source.js';
import { keeping, type Spool, withSpool } from '../spool.js';
import { readWait, waitingFor } from '../waiting.js';

/** How long, in ms, what was said may wait without any receipt. */
const TIMEOUT = 30_000;
const LONGEST_TIMEOUT = 86_400_000;

/** How long, in ms, to read what is in standard input and cannot be sent, to count it. */
const COUNTING = 500;

/** `rxchat send`: standard input, a message a line; ends when all are stored. */
export const send: Run = (args) => needInvite(args).pipe(switchMap((invite) => sendTo(invite, args.flags)));

/** What is known before the first connection. */
interface Sending {
  readonly source: Source;
  readonly invite: Invite;
  readonly link: ReturnType<typeof readLink>;
  /** The public name of the room. */
  readonly name: string;
  readonly people: People;
  readonly nick: string;
  readonly timeout: number;
  readonly flags: Flags;
  readonly spool: Spool | undefined;
}

const sendTo = (invite: Invite, flags: Flags): Observable<number> =>
  defer(() => {
    checkOutput(flags);
    const link = readLink(invite, flags);
    const { room: name } = deriveRoomKeys(invite.secret);
    const people = openPeople(name, flags);
    const nick = readNick(flags, { unique: true });
    const timeout = span(flags, 'timeout', 0, LONGEST_TIMEOUT) ?? TIMEOUT;
    const message = text(flags, 'message');
    if (message === undefined && flags['inviteFile'] === STANDARD_INPUT)
      throw usageError(
        'standard input is the invite, and so not what is to be sent',
        'give that with -m TEXT',
      );
    if (message === undefined && process.stdin.isTTY)
      throw usageError(
        'there is nothing to send',
        `pipe lines into ${calledAs()} send, or give one with -m TEXT`,
      );

    const source =
      message === undefined
        ? pipedSource(flags)
        : oneMessage(flags['stripAnsi'] === true ? withoutAnsi(message) : message);
    const { identity } = people;
    const tell = flags['quiet'] === true ? () => undefined : note;
    const deliver = (spool?: Spool) =>
      sendFrom({ source, invite, link, name, people, nick, timeout, flags, spool });
    return flags['spool'] === true ? withSpool({ invite, nick, identity, tell }, deliver) : deliver();
  });

const sendFrom = ({
  source,
  invite,
  link,
  name,
  people,
  nick,
  timeout,
  flags,
  spool,
}: Sending): Observable<number> =>
  defer(() => {
    const json = flags['json'] === true;
    const quiet = flags['quiet'] === true;
    const receipt = receiptLines(name);
    const account = receipts();
    const tell = tellDropped({ room: name, json, quiet });
    /** Receipts that nobody reads hold the input back, as lines do that the relay does not take. */
    const pace = () => {
      source.pace(account.pendingBytes + (json ? waitingOut() : 0));
    };
    const tellUnread = unreadNote('receipts', quiet);
    const onWritten = (error: unknown) => {
      if (isReaderGone(error)) tellUnread();
      pace();
    };
    let wasIn = false;
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
          waitingFor(readWait(flags)),
        ),
      ),
      people.keep(),
      spool === undefined ? tap() : keeping(spool),
      tap((heard) => {
        account.take(heard);
        wasIn ||= heard.type === 'welcome';
        const line = json ? receipt(heard) : undefined;
        if (line !== undefined) writeOut(line, onWritten);
        pace();
      }),
      takeWhile(() => !account.done, true),
      connect((heard$) =>
        merge(
          heard$,
          quiet ? EMPTY : heard$.pipe(tellState(invite), tap(note)),
          showsProgress(flags)
            ? heard$.pipe(progress(account), tap(showStatus), finalize(clearStatus))
            : EMPTY,
        ).pipe(takeUntil(heard$.pipe(giveUp(account, timeout, { wait: readWait(flags) })))),
      ),
      ignoreElements(),
      takeUntil(interruption$),
    );
    const gathering$ = source.gather$.pipe(atMostEvery(TOLD_EVERY), tap(tell), ignoreElements());

    const outcome = (rest: number): Outcome => ({
      stored: account.stored,
      unconfirmed: account.pending.length + rest,
      dropped: source.dropped,
      isAll: source.ended,
      wasIn,
    });

    const conclude$ = defer(() => {
      if (account.damaged && !quiet) note('some input was not UTF-8; U+FFFD stands in its place');
      if (source.cut > 0 && !quiet) note(`lines that were too long and were cut: ${source.cut}`);
      if (unsayable !== undefined) throw unsayable;
      if (source.dropped > 0) throw new CliError(Exit.partly, outcomeText(outcome(0)));
      return of(Exit.ok);
    });

    const sent$ = concat(merge(gathering$, sending$), flushed$, conclude$).pipe(takeUntil(outputFailure$));
    return sent$.pipe(
      catchError((error: unknown) => {
        const failure = toCliError(error);
        // It has the count already.
        if (failure.exitCode === Exit.partly) return throwError(() => failure);
        const isRetried = failure.exitCode === Exit.network || failure.exitCode === Exit.refused;
        return (isRetried || source.readsAhead ? leave(source, spool, timeout) : of(0)).pipe(
          tap(() => tell(source.dropped)),
          switchMap((rest) => throwError(() => withKept(withOutcome(failure, outcome(rest)), spool))),
        );
      }),
    );
  });

/** Standard input as it is to be sent: `--block`, `--tee`, `--drop`, `--long`, `--strip-ansi`. */
const pipedSource = (flags: Flags): Source => {
  const onUnread = unreadNote('copy', flags['quiet'] === true);
  const input = flags['tee'] === true ? teed(standardInput(), onUnread) : standardInput();
  const options = {
    stripAnsi: flags['stripAnsi'] === true,
    ...(flags['long'] !== undefined && { long: choice(flags, 'long', LONG) }),
  };
  if (flags['drop'] !== undefined) return droppingLines(input, choice(flags, 'drop', DROPPED), options);
  return flags['block'] === true ? pipedBlock(input, options) : pipedLines(input, options);
};

const checkOutput = (flags: Flags): void => {
  if (flags['tee'] === true && flags['json'] === true)
    throw usageError('--tee and --json would both write to standard output', 'leave one of them away');
  if (flags['block'] === true && flags['drop'] !== undefined)
    throw usageError('--block is one message, and --drop is about lines', 'leave one of them away');
  if (flags['block'] === true && flags['long'] !== undefined)
    throw usageError('--block is one message, and --long is about lines', 'leave one of them away');
  for (const key of ['tee', 'block', 'drop', 'long'])
    if (flags[key] !== undefined && flags['message'] !== undefined)
      throw usageError(`${flagName(key)} is about standard input, and --message stands in its place`);
};

/** Takes what is still there: into the spool, if there is one, also what comes within `timeout`. How many lines that were. */
const leave = (source: Source, spool: Spool | undefined, timeout: number): Observable<number> =>
  source.rest(spool === undefined ? COUNTING : Math.max(timeout, COUNTING)).pipe(
    // A line that is too long has nothing to do with why it all ends.
    catchError(() => EMPTY),
    reduce((count, say) => {
      spool?.add(say);
      return count + say.lines.length;
    }, 0),
    tap(() => spool?.save()),
  );

/** The same failure, with what the next run will send. */
const withKept = (failure: CliError, spool: Spool | undefined): CliError =>
  spool === undefined || spool.count === 0 || !spool.isKept
    ? failure
    : new CliError(
        failure.exitCode,
        failure.message,
        `lines kept for the next run with --spool: ${spool.count}`,
      );
