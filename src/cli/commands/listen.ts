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
import { randomText } from '../../crypto/random.js';
import { deriveRoomKeys } from '../../crypto/roomKeys.js';
import type { Invite } from '../../invite/invite.js';
import { room } from '../../room.js';
import { needInvite, readNick, readRoomOptions } from '../client.js';
import type { Run } from '../commandTable.js';
import { company } from '../company.js';
import { CliError, Exit, note, usageError } from '../exit.js';
import { type Flags, integer, inWords, span, text } from '../flags.js';
import { openCursorFile } from '../listening/cursor.js';
import { type Beginning, newestMessages, ONLY_READING, silentlyReplaced } from '../listening/newest.js';
import { untilNow } from '../listening/now.js';
import { OUTPUT_WAITING, pressure } from '../listening/pressure.js';
import { readDelivery } from '../listening/readDelivery.js';
import { readings, readTogether } from '../listening/readings.js';
import { sieve } from '../listening/sieve.js';
import { readStart } from '../listening/start.js';
import { tellState } from '../offline.js';
import { openPeople } from '../people.js';
import { interruption$, outputClosed$ } from '../process.js';
import { readLink } from '../relayLink.js';
import { readWait, waitingFor } from '../waiting.js';

/** `rxchat listen`: messages on standard output until it is ended, or for `-n` messages. */
export const listen: Run = (args) =>
  needInvite(args).pipe(switchMap((invite) => listenTo(invite, args.flags)));

const LONGEST_TIMEOUT = 24 * 86_400_000;

/** Never emits; errors after so long a time. 0: never. */
const timeoutOf = (ms: number): Observable<never> =>
  ms === 0
    ? NEVER
    : timer(ms).pipe(
        mergeMap(() =>
          throwError(() => new CliError(Exit.timeout, `nothing ended it within ${inWords(ms)}`)),
        ),
      );

const listenTo = (invite: Invite, flags: Flags): Observable<number> =>
  defer(() => {
    if (flags['events'] === true && flags['json'] !== true) throw usageError('--events needs --json');
    const link = readLink(invite, flags);
    const { room: name } = deriveRoomKeys(invite.secret);
    const people = openPeople(name, flags);
    const nick = readNick(flags, { unique: true });
    const count = integer(flags, 'count', 1, Number.MAX_SAFE_INTEGER) ?? Infinity;
    const path = text(flags, 'cursorFile');
    const file = path === undefined ? undefined : openCursorFile(path, name);
    const start = readStart(flags, file?.start, Date.now());
    const without = flags['self'] === false ? people.identity.key : undefined;
    const held = pressure(text(flags, 'exec') === undefined ? OUTPUT_WAITING : undefined);
    const deliver = readDelivery(flags, { nick, room: name, people, held });
    const read = readings({
      sift: sieve({ ...start, without }),
      start: file?.start,
      count,
      failOnGap: flags['failOnGap'] === true,
      until: text(flags, 'until'),
    });
    const untilTimeout$ = timeoutOf(span(flags, 'timeout', 0, LONGEST_TIMEOUT) ?? 0);
    const isUntilNow = flags['untilNow'] === true;
    let isClosed = false;

    const retry = flags['retry'] !== false;
    const session = randomText(16);

    const taken$ = from(readRoomOptions(flags, nick)).pipe(
      switchMap((options) => {
        const read = ({ after, last, isReplaced, isAgain }: Beginning) =>
          NEVER.pipe(
            room(invite, {
              ...options,
              ...people,
              session,
              connect: held.through(silentlyReplaced(link, isReplaced)),
              isHeld: held.isHeld,
              after,
              last,
              retry,
            }),
            waitingFor(isAgain && retry ? Infinity : readWait(flags)),
          );
        return start.last === undefined
          ? read({ ...ONLY_READING, after: start.after })
          : newestMessages({ count: start.last, read });
      }),
      people.keepFor(flags),
      connect((heard$) =>
        merge(
          heard$.pipe(
            isUntilNow ? untilNow() : identity,
            company().news(),
            readTogether(read, held),
            deliver,
            tap((cursor) => {
              if (cursor !== undefined) file?.save(cursor);
            }),
            map(() => false),
            endWith(true),
          ),
          heard$.pipe(tellState(invite), tap(note), ignoreElements()),
        ).pipe(takeWhile((isOver) => !isOver)),
      ),
      ignoreElements(),
      takeUntil(outputClosed$.pipe(tap(() => (isClosed = true)))),
      takeUntil(interruption$),
      takeUntil(untilTimeout$),
    );

    return concat(
      taken$,
      defer(() => {
        if (read.end === 'gap')
          throw new CliError(Exit.gap, 'entries are missing', 'go on behind them without --fail-on-gap');
        if (!isClosed && !isUntilNow && read.end === undefined)
          throw new CliError(Exit.network, 'the relay is shutting down');
        return of(Exit.ok);
      }),
    );
  });
