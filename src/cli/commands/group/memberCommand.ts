import {
  defer,
  from,
  map,
  mergeMap,
  type MonoTypeOperatorFunction,
  NEVER,
  type Observable,
  pipe,
  Subject,
  switchMap,
  takeUntil,
  tap,
  throwError,
  timer,
} from 'rxjs';
import type { GroupRequest } from '../../../../streams/client/index.js';
import type { Invite } from '../../../invite/invite.js';
import { formatInvite } from '../../../invite/inviteText.js';
import { joinRoom } from '../../../node/nodePlatform.js';
import { writeOut } from '../../../terminal/write.js';
import type { Args, Flags } from '../../args/flags.js';
import { CliError, Exit, printNote, usageError } from '../../process/exit.js';
import { programName } from '../../process/environment.js';
import { interrupted$ } from '../../process/stdio.js';
import { connectFromFlags } from '../../shared/connectFromFlags.js';
import { contactOptions, openContacts } from '../../shared/contacts.js';
import { currentInvite } from '../../shared/currentInvite.js';
import { openRoster, withRoom } from '../../shared/groupRoom.js';
import type { GroupRoster } from '../../../text/groupRoster.js';
import { safeJson, sanitize } from '../../../text/sanitize.js';
import { retryUntilJoined, waitMsFromFlags } from '../../shared/retryUntilJoined.js';
import { nickFromFlags, requireInvite, roomOptionsFromFlags } from '../../shared/roomOptions.js';
import { requestWhenCaughtUp } from './groupRequest.js';

/** What a command knows of the group once it has read the log. */
export interface GroupView {
  readonly roster: GroupRoster;
  /** The id of the group, which names the room in JSON. */
  readonly room: string;
  /** Returns the invite that admits others now. */
  readonly invite: () => Invite;
}

/** A command that a member runs: what it requests of the group, and what it prints afterwards. */
export interface MemberCommand {
  /** Returns the request, or `undefined` to request nothing. May throw. */
  readonly choose: (view: GroupView) => GroupRequest | undefined;
  readonly print: (view: GroupView) => void;
}

/** How long, in ms, the relay and the group may take. */
const TIMEOUT_MS = 30_000;

/** Runs a command as a member of the group of an invite, with the state on this machine. */
export const runAsMember = (args: Args, command: MemberCommand): Observable<number> =>
  requireInvite(args).pipe(switchMap((invite) => runInRoom(invite, args.flags, command)));

const runInRoom = (invite: Invite, flags: Flags, { choose, print }: MemberCommand): Observable<number> =>
  defer(() => {
    const { group } = invite;
    if (group === undefined)
      throw usageError(
        'the invite is for a key room, which has no members that could change',
        `create a group room with: ${programName()} invite --group`,
      );
    const contacts = openContacts(group, flags);
    const { nick: ownNick } = flags;
    const ownKeys = typeof ownNick === 'string' ? [[ownNick, contacts.identity.key] as const] : [];
    const roster = openRoster({ ...contacts, knownKeys: new Map([...contacts.knownKeys, ...ownKeys]) });
    const request$ = new Subject<GroupRequest>();

    const room$ = withRoom(
      { invite, identity: contacts.identity, flags, role: { type: 'member' } },
      (room) => {
        if (!room.isMember)
          throw usageError(
            'this machine is not a member of the group',
            `join it first: ${programName()} join`,
          );
        const current = currentInvite(room.invite);
        const view: GroupView = { roster, room: group, invite: current.get };
        return from(roomOptionsFromFlags(flags, nickFromFlags(flags, { unique: true }))).pipe(
          switchMap((options) =>
            NEVER.pipe(
              joinRoom(room.invite, {
                ...options,
                ...contactOptions(contacts),
                connect: connectFromFlags(invite, flags),
                ...room.options(request$),
              }),
              retryUntilJoined(waitMsFromFlags(flags)),
            ),
          ),
          contacts.recordKeys(),
          tap(current.update),
          requestWhenCaughtUp({
            roster,
            saved$: room.saved$,
            choose: () => choose(view),
            send: (request) => {
              request$.next(request);
            },
          }),
          map(() => {
            print(view);
            return Exit.ok;
          }),
        );
      },
    );
    return room$.pipe(withTimeLimit(flags));
  });

/**
 * Limits how long the relay and the group may take: 30 s, and the time of `--wait`.
 *
 * Passes the source through, and completes with it. Errors with it, with a `CliError` (`network`) after that time, and
 * with a `CliError` at a signal. Throws a `usageError` if `--wait` is malformed.
 *
 * ```text
 * source   ---a---------------
 *            withTimeLimit(flags)
 *          ---a----- 30 s ---#
 * ```
 */
export const withTimeLimit = <T>(flags: Flags): MonoTypeOperatorFunction<T> => {
  const ms = TIMEOUT_MS + waitMsFromFlags(flags);
  const timeout$ = timer(ms).pipe(
    mergeMap(() => throwError(() => new CliError(Exit.network, `not done after ${ms / 1000} s`))),
  );
  return pipe(takeUntil<T>(interrupted$), takeUntil<T>(timeout$));
};

/** Prints the invite that admits others from now on to standard output, and a note about it to standard error. */
export const printInvite = ({ room, invite }: GroupView, isJson: boolean): void => {
  const text = formatInvite(invite());
  printNote('the room has another invite, which admits anyone who has it; the former one admits nobody');
  writeOut(isJson ? safeJson({ v: 1, type: 'invite', room, invite: text }) : sanitize(text));
};
