import {
  concat,
  connect,
  defer,
  filter,
  from,
  ignoreElements,
  map,
  merge,
  NEVER,
  type Observable,
  of,
  type OperatorFunction,
  switchMap,
  takeUntil,
  takeWhile,
  tap,
} from 'rxjs';
import { deriveRoomKeys } from '../../crypto/roomKeys.js';
import type { Invite } from '../../invite/invite.js';
import { room } from '../../room.js';
import { writeOut } from '../../terminal/write.js';
import { needInvite, readNick, readRoomOptions } from '../client.js';
import type { Run } from '../commandTable.js';
import { CliError, Exit, note } from '../exit.js';
import { type Flags, integer } from '../flags.js';
import { tellState } from '../offline.js';
import { company } from '../company.js';
import { jsonFormat, plainFormat, type Printed } from '../listenFormat.js';
import { oneWriteATurn } from '../output.js';
import { interruption$, outputClosed$ } from '../process.js';
import { openPeople } from '../people.js';
import { readLink } from '../relayLink.js';

const MAX = Number.MAX_SAFE_INTEGER;

/** `rxchat listen`: messages on standard output until it is ended, or for `-n` messages. */
export const listen: Run = (args) =>
  needInvite(args).pipe(switchMap((invite) => listenTo(invite, args.flags)));

const listenTo = (invite: Invite, flags: Flags): Observable<number> =>
  defer(() => {
    const link = readLink(invite, flags);
    const { room: name } = deriveRoomKeys(invite.secret);
    const people = openPeople(name, flags);
    const nick = readNick(flags, { unique: true });
    const count = integer(flags, 'count', 1, MAX) ?? Infinity;
    const n = integer(flags, 'after', 0, MAX);
    const after = n === undefined ? undefined : { log: '*', n };
    const format = flags['json'] === true ? jsonFormat(nick, name, people.isVerified) : plainFormat(nick);

    let seen = 0;
    let enough = false;
    const printed$ = from(readRoomOptions(flags, nick)).pipe(
      switchMap((options) =>
        NEVER.pipe(
          room(invite, { ...options, ...people, connect: link, after, retry: flags['retry'] !== false }),
        ),
      ),
      people.insist(),
      takeWhile((heard) => {
        if (heard.type === 'message') seen += 1;
        enough = seen >= count;
        return !enough;
      }, true),
      connect((heard$) =>
        merge(
          heard$.pipe(company().news(), map(format), print()),
          heard$.pipe(tellState(invite), tap(note), ignoreElements()),
        ),
      ),
      takeUntil(outputClosed$.pipe(tap(() => (enough = true)))),
      takeUntil(interruption$),
    );

    return concat(
      printed$,
      defer(() => {
        if (!enough) throw new CliError(Exit.network, 'the relay is shutting down');
        return of(Exit.ok);
      }),
    );
  });

const print = (): OperatorFunction<Printed, never> =>
  connect((printed$) =>
    merge(
      printed$.pipe(
        map(({ out }) => out),
        filter((out) => out !== undefined),
        oneWriteATurn(),
        tap(writeOut),
      ),
      printed$.pipe(
        map((printed) => printed.note),
        filter((text) => text !== undefined),
        tap(note),
      ),
    ).pipe(ignoreElements()),
  );
