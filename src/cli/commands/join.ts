import { isDrawable } from '../../terminal/drawable.js';
import {
  catchError,
  concat,
  connect,
  defer,
  EMPTY,
  finalize,
  from,
  ignoreElements,
  map,
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
import { type Heard, LinkError, type Say } from '../../../streams/index.js';
import { isLoopback } from '../../address.js';
import { deriveRoomKeys } from '../../crypto/roomKeys.js';
import { createInvite, type Invite } from '../../invite/invite.js';
import { formatInvite } from '../../invite/text.js';
import { room } from '../../room.js';
import type { RoomOptions } from '../../roomOn.js';
import { shown, type Visible } from '../../terminal/visible.js';
import { readAddress } from '../address.js';
import { calledAs } from '../calledAs.js';
import { LONG } from '../choices.js';
import { openReadPosition } from '../chat/readPosition.js';
import { openSitting } from '../chat/openSitting.js';
import { chatFormat } from '../chatFormat.js';
import { readInvite, readNick, readRoomOptions } from '../client.js';
import type { Run } from '../commandTable.js';
import { type Company, company } from '../company.js';
import { CliError, Exit, note } from '../exit.js';
import { choice, type Flags, integer, span } from '../flags.js';
import { leaving } from '../leaving.js';
import { type Beginning, newestMessages, ONLY_READING, silentlyReplaced } from '../listening/newest.js';
import { OUTPUT_WAITING, type Pressure, pressure } from '../listening/pressure.js';
import { giveUp, tellState } from '../offline.js';
import { slicesOfTurn, writtenOut } from '../output.js';
import { openPeople, type People } from '../people.js';
import { interruption$, outputClosed$, standardInput } from '../process.js';
import { receipts } from '../receipts.js';
import { readLink, readPin } from '../relayLink.js';
import { pipedLines } from '../source.js';
import { keeping, type Spool, withSpool } from '../spool.js';
import { readWait, waitingFor } from '../waiting.js';

/** How long, in ms, what came through a pipe may wait without any receipt. */
const TIMEOUT = 30_000;
const LONGEST_TIMEOUT = 86_400_000;

/** Where lines come from and where the conversation is shown: a terminal, or plain pipes. */
export interface Desk extends Pick<RoomOptions, 'nick$' | 'retry$'> {
  readonly say$: Observable<Say>;
  readonly pace: (pendingBytes: number) => void;
  /** Shows a conversation; emits nothing. */
  readonly show: (heard$: Observable<Heard>) => Observable<never>;
}

/** `rxchat join`: the interactive client; in pipes a plain one. */
export const join: Run = (args) => readInvite(args).pipe(switchMap((invite) => joinRoom(invite, args.flags)));

/** What is known before the first connection. */
interface Talk {
  readonly invite: Invite;
  /** Whether this run has made the room. */
  readonly isNew: boolean;
  readonly interactive: boolean;
  readonly link: ReturnType<typeof readLink>;
  /** The public name of the room. */
  readonly name: string;
  readonly people: People;
  readonly nick: string;
  readonly flags: Flags;
  readonly spool: Spool;
}

const joinRoom = (given: Invite | undefined, flags: Flags): Observable<number> =>
  defer(() => {
    const invite = given ?? createInvite({ ...readAddress(flags), pin: readPin(flags) });
    const link = readLink(invite, flags);
    const name = deriveRoomKeys(invite.secret).room;
    const people = openPeople(name, flags);
    const nick = readNick(flags, { unique: false });
    const interactive = process.stdin.isTTY && process.stdout.isTTY && isDrawable(process.env['TERM']);
    if (given === undefined && !interactive)
      note(`a new room; to let others in, give them this invite: ${formatInvite(invite)}`);

    return withSpool({ invite, nick, identity: people.identity }, (spool) =>
      talk({ invite, isNew: given === undefined, interactive, link, name, people, nick, flags, spool }),
    );
  });

const talk = ({
  invite,
  isNew,
  interactive,
  link,
  name,
  people,
  nick,
  flags,
  spool,
}: Talk): Observable<number> =>
  defer(() => {
    const read = interactive ? openReadPosition(name, note) : undefined;
    // Whoever asks for a number of entries wants these, not those since the last time.
    const after = spool.after ?? (flags['last'] === undefined ? read?.before : undefined);
    const last = after === undefined ? integer(flags, 'last', 0, Number.MAX_SAFE_INTEGER) : undefined;
    if (flags['last'] !== undefined && after !== undefined)
      note('--last is left aside: lines of an earlier run go out first, from where that had read');
    const around = company();
    const held = pressure(OUTPUT_WAITING);
    const desk = interactive
      ? openSitting({ invite, isNew, nick, people, around, flags, readTo: read?.before })
      : plainDesk(chatFormat(nick, people.isVerified, flags['utc'] === true), around, invite, flags, held);
    const timeout = interactive ? 0 : (span(flags, 'timeout', 0, LONGEST_TIMEOUT) ?? TIMEOUT);
    const account = receipts();
    let unread = false;
    let wasIn = false;

    const heard$ = from(readRoomOptions(flags, nick)).pipe(
      switchMap((options) => {
        const readFrom = ({ settled$, isReplaced, isAgain, ...begin }: Beginning) =>
          settled$.pipe(
            take(1),
            switchMap(() => desk.say$),
            room(invite, {
              ...options,
              ...people,
              nick$: desk.nick$,
              retry$: desk.retry$,
              connect: held.through(silentlyReplaced(link, isReplaced)),
              isHeld: held.isHeld,
              restored: spool,
              ...begin,
            }),
            waitingFor(isAgain ? Infinity : readWait(flags)),
          );
        return last === undefined
          ? readFrom({ ...ONLY_READING, after })
          : newestMessages({ count: last, read: readFrom });
      }),
      people.keepFor(flags),
      keeping(spool),
      tap((heard) => {
        wasIn ||= heard.type === 'welcome';
        account.take(heard);
        desk.pace(account.pendingBytes);
      }),
      share(),
    );
    const shown$ = heard$.pipe(
      takeWhile(() => !account.done, true),
      connect((shared$) =>
        merge(shared$.pipe(desk.show), shared$.pipe(read === undefined ? stop : read.keeping(spool))).pipe(
          takeUntil(shared$.pipe(giveUp(account, timeout, { isHeld: held.isHeld, wait: readWait(flags) }))),
        ),
      ),
      takeUntil(interactive ? heard$.pipe(leaving()) : NEVER),
      takeUntil(outputClosed$.pipe(tap(() => (unread = true)))),
      takeUntil(interruption$),
    );

    return concat(
      shown$.pipe(
        catchError((error: unknown) =>
          throwError(() => {
            if (isNew && !wasIn) return explained(error, invite);
            return wasIn && account.pending.length > 0 ? partly(error) : error;
          }),
        ),
      ),
      defer(() => of(account.pending.length === 0 ? Exit.ok : wasIn ? Exit.partly : Exit.network)),
    ).pipe(
      finalize(() => {
        const { length } = account.pending;
        if (length > 0 && !unread)
          note(
            spool.isKept
              ? `lines not stored yet: ${length}; they are kept and go out when you join again`
              : `lines not stored: ${length}; they could not be kept`,
          );
      }),
    );
  });

const stop = (): Observable<never> => EMPTY;

/** As with `send`: what has no receipt may have arrived where the relay has let one in. */
const partly = (error: unknown): unknown =>
  error instanceof CliError && error.exitCode === Exit.network
    ? new CliError(Exit.partly, error.message, error.hint)
    : error;

/** Whoever made a room on this machine may not know that it takes a relay. */
const explained = (error: unknown, { host, port }: Invite): unknown =>
  error instanceof LinkError && isLoopback(host)
    ? new CliError(Exit.network, `no relay at ${host}:${port}; start one with: ${calledAs()} serve`)
    : error;

const plainDesk = (
  format: (heard: Heard) => Visible | undefined,
  around: Company,
  invite: Invite,
  flags: Flags,
  held: Pressure,
): Desk => ({
  ...pipedLines(standardInput(), { long: choice(flags, 'long', LONG) }),
  show: connect((heard$) =>
    merge(
      heard$.pipe(around.news(), map(format)),
      heard$.pipe(
        tellState(invite),
        map((text) => shown`-- ${text}`),
      ),
    ).pipe(
      tap(() => held.add(1)),
      slicesOfTurn(),
      writtenOut(({ values }) => {
        const lines = values.filter((line) => line !== undefined);
        return { lines, count: values.length, known: undefined };
      }, held),
      ignoreElements(),
    ),
  ),
});
