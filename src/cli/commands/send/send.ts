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
  switchMap,
  takeUntil,
  takeWhile,
  tap,
  throwError,
} from 'rxjs';
import type { Invite } from '../../../invite/invite.js';
import { joinRoom } from '../../../node/nodePlatform.js';
import { clearStatus, showStatus, pendingOutputBytes, writeOut } from '../../../terminal/write.js';
import { throttleLatest, progress, showsProgress } from './progress.js';
import { programName } from '../../process/environment.js';
import {
  requireInvite,
  nickFromFlags,
  roomOptionsFromFlags,
  timeoutMsFromFlags,
} from '../../shared/roomOptions.js';
import type { Run } from '../../args/command.js';
import { CliError, Exit, printNote, toCliError, usageError } from '../../process/exit.js';
import { type Flags, stringFlag } from '../../args/flags.js';
import { drainSource, checkSourceFlags, pipedSource } from './pipedSource.js';
import {
  receiptTimeout,
  describeConnection,
  describeMissingKeys,
  groupKeysTimeout,
} from '../../shared/connectionNotices.js';
import { flushed$, interrupted$, isBrokenPipe, outputFailure$ } from '../../process/stdio.js';
import { contactOptions, openContacts, type Contacts } from '../../shared/contacts.js';
import { connectFromFlags } from '../../shared/connectFromFlags.js';
import { type OpenRoom, type OpenRoomOptions, roomNameOf, withRoom } from '../../shared/groupRoom.js';
import { STANDARD_INPUT } from '../../shared/secretFiles.js';
import { trackReceipts } from '../../shared/receipts.js';
import {
  receiptLines,
  type Outcome,
  outcomeText,
  withOutcome,
  reportDropped,
  REPORT_INTERVAL_MS,
  noteOutputClosed,
  withSpoolHint,
} from './report.js';
import { messageSource, type Source, removeAnsi } from '../../shared/input/source.js';
import { persistTo, type Spool, withSpool } from '../../shared/spool.js';
import { waitMsFromFlags, retryUntilJoined } from '../../shared/retryUntilJoined.js';

/** `rxchat send`: sends each line of standard input, and ends when all are stored. */
export const send: Run = (args) =>
  requireInvite(args).pipe(switchMap((invite) => sendTo(invite, args.flags)));

/** The inputs of the command, known before the first connection. */
interface SendContext {
  readonly source: Source;
  readonly invite: Invite;
  readonly connect: ReturnType<typeof connectFromFlags>;
  /** The public name of the room. */
  readonly roomName: string;
  readonly contacts: Contacts;
  readonly nick: string;
  readonly timeoutMs: number;
  readonly flags: Flags;
  readonly spool: Spool | undefined;
}

const sendTo = (invite: Invite, flags: Flags): Observable<number> =>
  defer(() => {
    checkSourceFlags(flags);
    checkGroupFlags(invite, flags);
    const connect = connectFromFlags(invite, flags);
    const roomName = roomNameOf(invite);
    const contacts = openContacts(roomName, flags);
    const nick = nickFromFlags(flags, { unique: true });
    const timeoutMs = timeoutMsFromFlags(flags);
    const message = stringFlag(flags, 'message');
    if (message === undefined && flags['inviteFile'] === STANDARD_INPUT)
      throw usageError('standard input is already used for the invite', 'give the message with -m TEXT');
    if (message === undefined && process.stdin.isTTY)
      throw usageError(
        'there is nothing to send',
        `pipe lines into ${programName()} send, or give one with -m TEXT`,
      );

    const source =
      message === undefined
        ? pipedSource(flags)
        : messageSource(flags['stripAnsi'] === true ? removeAnsi(message) : message);
    const { identity } = contacts;
    const report = flags['quiet'] === true ? () => undefined : printNote;
    const run = (spool?: Spool) =>
      sendFrom({ source, invite, connect, roomName, contacts, nick, timeoutMs, flags, spool });
    return flags['spool'] === true ? withSpool({ invite, nick, identity, report }, run) : run();
  });

const checkGroupFlags = ({ group }: Invite, flags: Flags): void => {
  if (flags['asMember'] === true && group === undefined)
    throw usageError('--as-member needs the invite of a group room', 'a key room has no members');
};

const sendFrom = ({
  source,
  invite,
  connect: link,
  roomName,
  contacts,
  nick,
  timeoutMs,
  flags,
  spool,
}: SendContext): Observable<number> =>
  defer(() => {
    const isJson = flags['json'] === true;
    const isQuiet = flags['quiet'] === true;
    const receipt = receiptLines(roomName);
    const tracker = trackReceipts();
    const report = reportDropped({ room: roomName, isJson, isQuiet });
    /** Unread receipts pause the input, just as lines do that the relay has not accepted. */
    const updateBackpressure = () => {
      source.applyBackpressure(tracker.pendingBytes + (isJson ? pendingOutputBytes() : 0));
    };
    const noteClosed = noteOutputClosed('receipts', isQuiet);
    const onWritten = (error: unknown) => {
      if (isBrokenPipe(error)) noteClosed();
      updateBackpressure();
    };
    let hasJoined = false;
    /** Whether lines can be sealed. In a group room that needs keys from the log. */
    let canSend = false;
    let inputError: CliError | undefined;

    const type = flags['asMember'] === true ? 'member' : 'external';
    const joined = (room: OpenRoom) =>
      from(roomOptionsFromFlags(flags, nick)).pipe(
        switchMap((options) =>
          defer(() => {
            canSend = true;
            return source.message$;
          }).pipe(
            catchError((error: unknown) => {
              // Queued messages still get their receipts before this error is reported.
              inputError = toCliError(error);
              return EMPTY;
            }),
            joinRoom(room.invite, {
              ...options,
              ...room.options(),
              ...contactOptions(contacts),
              connect: link,
              ...(spool !== undefined && { restored: spool, after: spool.after }),
            }),
            retryUntilJoined(waitMsFromFlags(flags)),
          ),
        ),
      );
    const roomOptions: OpenRoomOptions = { invite, identity: contacts.identity, flags, role: { type } };
    const sent$ = withRoom(roomOptions, joined).pipe(
      contacts.recordKeys(),
      spool === undefined ? tap() : persistTo(spool),
      tap((event) => {
        tracker.update(event);
        hasJoined ||= event.type === 'welcome';
        const line = isJson ? receipt(event) : undefined;
        if (line !== undefined) writeOut(line, onWritten);
        updateBackpressure();
      }),
      takeWhile(() => !tracker.isDone, true),
      connect((event$) =>
        merge(
          event$,
          isQuiet
            ? EMPTY
            : merge(event$.pipe(describeConnection(invite)), event$.pipe(describeMissingKeys)).pipe(
                tap(printNote),
              ),
          showsProgress(flags)
            ? event$.pipe(progress(tracker), tap(showStatus), finalize(clearStatus))
            : EMPTY,
        ).pipe(
          takeUntil(event$.pipe(receiptTimeout(tracker, timeoutMs, { waitMs: waitMsFromFlags(flags) }))),
          takeUntil(event$.pipe(groupKeysTimeout(timeoutMs, { hasKeys: () => canSend }))),
        ),
      ),
      ignoreElements(),
      takeUntil(interrupted$),
    );
    const dropReport$ = source.droppedCount$.pipe(
      throttleLatest(REPORT_INTERVAL_MS),
      tap(report),
      ignoreElements(),
    );

    const outcome = (remaining: number): Outcome => ({
      stored: tracker.stored,
      unconfirmed: tracker.pending.length + remaining,
      dropped: source.droppedCount,
      isInputComplete: source.isEnded,
      hasJoined,
    });

    const conclude$ = defer(() => {
      if (tracker.hasReplacements && !isQuiet)
        printNote('input contained invalid UTF-8, replaced with U+FFFD');
      if (source.cutCount > 0 && !isQuiet)
        printNote(`lines cut because they were too long: ${source.cutCount}`);
      if (inputError !== undefined) throw inputError;
      if (source.droppedCount > 0) throw new CliError(Exit.partial, outcomeText(outcome(0)));
      return of(Exit.ok);
    });

    const outcome$ = concat(merge(dropReport$, sent$), flushed$, conclude$).pipe(takeUntil(outputFailure$));
    return outcome$.pipe(
      catchError((error: unknown) => {
        const failure = toCliError(error);
        // The message already contains the count.
        if (failure.exitCode === Exit.partial) return throwError(() => failure);
        const isConnectionFailure = failure.exitCode === Exit.network || failure.exitCode === Exit.refused;
        return (
          isConnectionFailure || source.readsAhead ? drainSource(source, spool, timeoutMs) : of(0)
        ).pipe(
          tap(() => report(source.droppedCount)),
          switchMap((remaining) =>
            throwError(() => withSpoolHint(withOutcome(failure, outcome(remaining)), spool)),
          ),
        );
      }),
    );
  });
