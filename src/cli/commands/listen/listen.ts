import {
  concat,
  connect,
  defer,
  endWith,
  from,
  identity,
  ignoreElements,
  map,
  merge,
  mergeMap,
  NEVER,
  type Observable,
  of,
  switchMap,
  takeUntil,
  takeWhile,
  tap,
  throwError,
  timer,
} from 'rxjs';
import { randomText } from '../../../crypto/random.js';
import type { Invite } from '../../../invite/invite.js';
import { joinRoom } from '../../../node/nodePlatform.js';
import { requireInvite, nickFromFlags, roomOptionsFromFlags } from '../../shared/roomOptions.js';
import type { Run } from '../../args/command.js';
import { memberTracker } from '../../shared/memberTracker.js';
import { CliError, Exit, printNote, usageError } from '../../process/exit.js';
import { type Flags, integerFlag, formatExactDuration, durationFlag, stringFlag } from '../../args/flags.js';
import { openCursorFile } from './cursorFile.js';
import {
  type ReadAttempt,
  newestMessages,
  SINGLE_ATTEMPT,
  muteWhenReplaced,
  takeUntilCaughtUp,
} from '../../shared/newestMessages.js';
import { OUTPUT_QUEUE_LIMIT, createBackpressure } from '../../shared/backpressure.js';
import { deliveryFromFlags, createDeliveryBatches, batchDeliveries } from './delivery.js';
import { messageFilter, startFromFlags, withGroupNotes } from './messageFilter.js';
import { describeConnection } from '../../shared/connectionNotices.js';
import { contactOptions, openContacts } from '../../shared/contacts.js';
import { interrupted$, outputClosed$ } from '../../process/stdio.js';
import { connectFromFlags } from '../../shared/connectFromFlags.js';
import { type OpenRoom, type OpenRoomOptions, roomNameOf, withRoom } from '../../shared/groupRoom.js';
import { openRoster } from '../../shared/groupRoom.js';
import { waitMsFromFlags, retryUntilJoined } from '../../shared/retryUntilJoined.js';

/** `rxchat listen`: prints messages until it is interrupted, or `-n` messages. */
export const listen: Run = (args) =>
  requireInvite(args).pipe(switchMap((invite) => listenTo(invite, args.flags)));

const MAX_TIMEOUT_MS = 24 * 86_400_000;

/** Never emits, and errors after `ms` milliseconds; 0 means never. */
const failAfter = (ms: number): Observable<never> =>
  ms === 0
    ? NEVER
    : timer(ms).pipe(
        mergeMap(() =>
          throwError(() => new CliError(Exit.timeout, `timed out after ${formatExactDuration(ms)}`)),
        ),
      );

const listenTo = (invite: Invite, flags: Flags): Observable<number> =>
  defer(() => {
    if (flags['events'] === true && flags['json'] !== true) throw usageError('--events needs --json');
    const connectRelay = connectFromFlags(invite, flags);
    const roomName = roomNameOf(invite);
    const contacts = openContacts(roomName, flags);
    const { identity: self } = contacts;
    const roster = openRoster(contacts);
    const isGroup = invite.group !== undefined;
    const nick = nickFromFlags(flags, { unique: true });
    const count = integerFlag(flags, 'count', 1, Number.MAX_SAFE_INTEGER) ?? Infinity;
    const path = stringFlag(flags, 'cursorFile');
    const cursorFile = path === undefined ? undefined : openCursorFile(path, roomName);
    const start = startFromFlags(flags, cursorFile?.saved, Date.now());
    const excludedKey = flags['self'] === false ? self.key : undefined;
    const backpressure = createBackpressure(
      stringFlag(flags, 'exec') === undefined ? OUTPUT_QUEUE_LIMIT : undefined,
    );
    const deliver = deliveryFromFlags(flags, {
      nick,
      room: roomName,
      contacts,
      backpressure,
      ...(isGroup && { nickOf: roster.nickOf }),
    });
    const select = messageFilter({ ...start, excludedKey });
    const read = createDeliveryBatches({
      filter: isGroup ? withGroupNotes(select, roster.update) : select,
      start: cursorFile?.saved,
      count,
      failOnGap: flags['failOnGap'] === true,
      until: stringFlag(flags, 'until'),
    });
    const untilTimeout$ = failAfter(durationFlag(flags, 'timeout', 0, MAX_TIMEOUT_MS) ?? 0);
    const stopsWhenCaughtUp = flags['untilNow'] === true;
    let isOutputClosed = false;

    const retries = flags['retry'] !== false;
    const session = randomText(16);

    const joined = (room: OpenRoom) =>
      from(roomOptionsFromFlags(flags, nick)).pipe(
        switchMap((options) => {
          const read = ({ after, last, isReplaced, isRepeated }: ReadAttempt) =>
            NEVER.pipe(
              joinRoom(room.invite, {
                ...options,
                ...room.options(),
                ...contactOptions(contacts),
                session,
                connect: backpressure.wrapConnect(muteWhenReplaced(connectRelay, isReplaced)),
                isPaused: backpressure.isPaused,
                earlierHashAt: cursorFile?.hashAt,
                after,
                last,
                retry: retries,
              }),
              retryUntilJoined(isRepeated && retries ? Infinity : waitMsFromFlags(flags)),
            );
          return start.last === undefined
            ? read({ ...SINGLE_ATTEMPT, after: start.after })
            : newestMessages({ count: start.last, read });
        }),
      );
    const roomOptions: OpenRoomOptions = { invite, identity: self, flags, role: { type: 'member' } };
    const delivered$ = withRoom(roomOptions, joined).pipe(
      contacts.applyKeyChangePolicy(flags),
      connect((event$) =>
        merge(
          event$.pipe(
            stopsWhenCaughtUp ? takeUntilCaughtUp() : identity,
            memberTracker().dedupePresence(),
            batchDeliveries(read, backpressure),
            deliver,
            tap((cursor) => {
              if (cursor !== undefined) cursorFile?.save(cursor);
            }),
            map(() => false),
            endWith(true),
          ),
          event$.pipe(describeConnection(invite), tap(printNote), ignoreElements()),
        ).pipe(takeWhile((isOver) => !isOver)),
      ),
      ignoreElements(),
      takeUntil(outputClosed$.pipe(tap(() => (isOutputClosed = true)))),
      takeUntil(interrupted$),
      takeUntil(untilTimeout$),
    );

    return concat(
      delivered$,
      defer(() => {
        if (read.endReason === 'gap')
          throw new CliError(Exit.gap, 'entries are missing', 'continue after the gap without --fail-on-gap');
        if (!isOutputClosed && !stopsWhenCaughtUp && read.endReason === undefined)
          throw new CliError(Exit.network, 'the relay is shutting down');
        return of(Exit.ok);
      }),
    );
  });
