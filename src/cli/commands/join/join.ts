import {
  catchError,
  concat,
  connect,
  defer,
  EMPTY,
  finalize,
  from,
  merge,
  NEVER,
  type Observable,
  of,
  share,
  switchMap,
  take,
  takeUntil,
  takeWhile,
  tap,
  throwError,
} from 'rxjs';
import type { ClientEvent } from '../../../../streams/index.js';
import { safe } from '../../../text/sanitize.js';
import { isInteractive } from '../../../terminal/terminalState.js';
import type { Invite } from '../../../invite/invite.js';
import { formatInvite } from '../../../invite/inviteText.js';
import { joinRoom } from '../../../node/nodePlatform.js';
import { createRoom, type RoomToJoin } from './createRoom.js';
import { openReadPosition } from './readPosition.js';
import { openTerminalChat } from './chat/openTerminalChat.js';
import { pipeFormat, pipeIo } from './pipeIo.js';
import {
  inviteFromArgs,
  nickFromFlags,
  roomOptionsFromFlags,
  timeoutMsFromFlags,
} from '../../shared/roomOptions.js';
import type { Run } from '../../args/command.js';
import { memberTracker } from '../../shared/memberTracker.js';
import { Exit, printNote } from '../../process/exit.js';
import { type Flags, integerFlag } from '../../args/flags.js';
import { exitTimeout } from './exitTimeout.js';
import { asPartlyStored, explainMissingRelay } from './joinErrors.js';
import {
  type ReadAttempt,
  newestMessages,
  SINGLE_ATTEMPT,
  muteWhenReplaced,
} from '../../shared/newestMessages.js';
import { OUTPUT_QUEUE_LIMIT, createBackpressure } from '../../shared/backpressure.js';
import { receiptTimeout } from '../../shared/connectionNotices.js';
import { contactOptions, openContacts, type Contacts } from '../../shared/contacts.js';
import { interrupted$, outputClosed$ } from '../../process/stdio.js';
import { trackReceipts } from '../../shared/receipts.js';
import { currentInvite, type CurrentInvite } from '../../shared/currentInvite.js';
import { type OpenRoom, openRoster, roomNameOf, withRoom } from '../../shared/groupRoom.js';
import type { GroupRoster } from '../../../text/groupRoster.js';
import { connectFromFlags } from '../../shared/connectFromFlags.js';
import { persistTo, type Spool, withSpool } from '../../shared/spool.js';
import { waitMsFromFlags, retryUntilJoined } from '../../shared/retryUntilJoined.js';

/** `rxchat join`: the interactive client, or a plain client in pipes. */
export const join: Run = (args) =>
  inviteFromArgs(args).pipe(switchMap((invite) => joinWithInvite(invite, args.flags)));

/** The inputs of the command, known before the first connection. */
interface JoinContext {
  readonly room: OpenRoom;
  /** The invite that admits others now. */
  readonly current: CurrentInvite;
  /** Who is in the group of the room, or `undefined` in a key room. */
  readonly roster: GroupRoster | undefined;
  /** Whether this run has created the room. */
  readonly isNew: boolean;
  /** Whether the command runs in a terminal. */
  readonly interactive: boolean;
  readonly connect: ReturnType<typeof connectFromFlags>;
  /** The public name of the room. */
  readonly roomName: string;
  readonly contacts: Contacts;
  readonly nick: string;
  readonly flags: Flags;
  readonly spool: Spool;
}

const joinWithInvite = (given: Invite | undefined, flags: Flags): Observable<number> =>
  defer(() => {
    const interactive = isInteractive();
    const { invite, role }: RoomToJoin =
      given === undefined ? createRoom(flags, interactive) : { invite: given, role: { type: 'member' } };
    const connect = connectFromFlags(invite, flags);
    const roomName = roomNameOf(invite);
    const contacts = openContacts(roomName, flags);
    const nick = nickFromFlags(flags, { unique: false });
    if (given === undefined && !interactive)
      printNote(`new room; to let others in, share this invite: ${formatInvite(invite)}`);

    const { identity } = contacts;
    const roster = invite.group === undefined ? undefined : openRoster(contacts, safe`: /invite prints it`);
    const run = (room: OpenRoom) => (spool: Spool) =>
      runConversation({
        room,
        current: currentInvite(room.invite),
        roster,
        isNew: given === undefined,
        interactive,
        connect,
        roomName,
        contacts,
        nick,
        flags,
        spool,
      });
    return withRoom({ invite, identity, flags, role }, (room) =>
      withSpool({ invite, nick, identity }, run(room)),
    );
  });

const runConversation = ({
  room,
  current,
  roster,
  isNew,
  interactive,
  connect: link,
  roomName,
  contacts,
  nick,
  flags,
  spool,
}: JoinContext): Observable<number> =>
  defer(() => {
    const invite = current.get();
    const readPosition = interactive ? openReadPosition(roomName, printNote) : undefined;
    // A user of `--last` wants that many entries, not those since the last run.
    const after = spool.after ?? (flags['last'] === undefined ? readPosition?.saved : undefined);
    const last = after === undefined ? integerFlag(flags, 'last', 0, Number.MAX_SAFE_INTEGER) : undefined;
    if (flags['last'] !== undefined && after !== undefined)
      printNote('--last is ignored: unsent lines of an earlier run go first, from its read position');
    const members = memberTracker();
    const backpressure = createBackpressure(OUTPUT_QUEUE_LIMIT);
    const io = interactive
      ? openTerminalChat({
          invite: current.get,
          roster,
          isNew,
          nick,
          contacts,
          members,
          flags,
          readUpTo: readPosition?.saved,
        })
      : pipeIo(
          pipeFormat(nick, contacts.isVerified, flags['utc'] === true, roster),
          members,
          invite,
          flags,
          backpressure,
        );
    const timeoutMs = interactive ? 0 : timeoutMsFromFlags(flags);
    const tracker = trackReceipts();
    let isOutputClosed = false;
    let hasJoined = false;

    const event$ = from(roomOptionsFromFlags(flags, nick)).pipe(
      switchMap((options) => {
        const readFrom = ({ settled$, isReplaced, isRepeated, ...start }: ReadAttempt) =>
          settled$.pipe(
            take(1),
            switchMap(() => io.message$),
            joinRoom(invite, {
              ...options,
              ...contactOptions(contacts),
              ...room.options(io.request$),
              nick$: io.nick$,
              retry$: io.retry$,
              connect: backpressure.wrapConnect(muteWhenReplaced(link, isReplaced)),
              isPaused: backpressure.isPaused,
              restored: spool,
              ...start,
            }),
            retryUntilJoined(isRepeated ? Infinity : waitMsFromFlags(flags)),
          );
        return last === undefined
          ? readFrom({ ...SINGLE_ATTEMPT, after })
          : newestMessages({ count: last, read: readFrom });
      }),
      contacts.applyKeyChangePolicy(flags),
      persistTo(spool),
      tap((event) => {
        hasJoined ||= event.type === 'welcome';
        current.update(event);
        tracker.update(event);
        io.applyBackpressure(tracker.pendingBytes);
      }),
      share(),
    );
    const rendered$ = event$.pipe(
      takeWhile((event) => !tracker.isDone && !hasLeft(event), true),
      connect((shared$) =>
        merge(
          shared$.pipe(io.render),
          shared$.pipe(readPosition === undefined ? emitNothing : readPosition.persist(spool)),
        ).pipe(
          takeUntil(
            shared$.pipe(
              receiptTimeout(tracker, timeoutMs, {
                isPaused: backpressure.isPaused,
                waitMs: waitMsFromFlags(flags),
              }),
            ),
          ),
        ),
      ),
      takeUntil(interactive ? event$.pipe(exitTimeout()) : NEVER),
      takeUntil(outputClosed$.pipe(tap(() => (isOutputClosed = true)))),
      takeUntil(interrupted$),
    );

    return concat(
      rendered$.pipe(
        catchError((error: unknown) =>
          throwError(() => {
            if (isNew && !hasJoined) return explainMissingRelay(error, invite);
            return hasJoined && tracker.pending.length > 0 ? asPartlyStored(error) : error;
          }),
        ),
      ),
      defer(() => of(tracker.pending.length === 0 ? Exit.ok : hasJoined ? Exit.partial : Exit.network)),
    ).pipe(
      finalize(() => {
        const { length } = tracker.pending;
        if (length > 0 && !isOutputClosed)
          printNote(
            spool.isSaved
              ? `lines not stored yet: ${length}; saved, and sent when you join again`
              : `lines not stored: ${length}; they could not be saved`,
          );
      }),
    );
  });

/** Whether this client has left the group of the room. */
const hasLeft = (event: ClientEvent): boolean =>
  event.type === 'request-done' && event.request.type === 'leave';

const emitNothing = (): Observable<never> => EMPTY;
