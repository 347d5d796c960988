import { filter, fromEvent, map, type Observable, take, tap } from 'rxjs';
import { RefusedError } from '../../streams/wire/index.js';
import { InviteError, type Invite } from '../invite/invite.js';
import { byId, tell } from './dom.js';
import { keepNick, readNick } from './keep.js';
import { inviteOf, inviteOfPage, linkOf, nickOf } from './link.js';

/** Who comes in, and where. */
export interface Entrance {
  readonly invite: Invite;
  readonly nick: string;
}

/** What is wrong, in words; whatever else it is, is no fault of who typed. */
export const wordsOf = (error: unknown): string => {
  const words = error instanceof Error ? error.message : String(error);
  const hint = error instanceof RefusedError ? HINTS.get(error.code) : undefined;
  return hint === undefined ? words : `${words}; ${hint}`;
};

const HINTS = new Map<string, string>([
  // A page asks for no token: it would be one more secret for whoever serves it.
  ['access-denied', 'a page has none, so join with the command: rxchat join LINK --access-token-file FILE'],
  ['nick-taken', 'by somebody else, or by you in another browser or terminal'],
]);

/** Asks who comes, and for an invite where the address of the page is none; says first what went wrong before. */
export const door = (fault: string | undefined): Observable<Entrance> => {
  const place = byId('door', HTMLElement);
  const nickInput = byId('door-nick', HTMLInputElement);
  const inviteInput = byId('door-invite', HTMLInputElement);
  const told = byId('door-fault', HTMLElement);

  let given: Invite | undefined;
  let problem = fault;
  try {
    given = inviteOfPage();
  } catch (error) {
    problem ??= wordsOf(error);
  }
  byId('door-invite-field', HTMLElement).hidden = given !== undefined;
  tell(told, problem);
  nickInput.value = readNick();
  place.hidden = false;
  (given === undefined ? inviteInput : nickInput).focus();

  return fromEvent(byId('door-form', HTMLFormElement), 'submit').pipe(
    tap((event) => event.preventDefault()),
    map(() => {
      try {
        return { invite: given ?? inviteOf(inviteInput.value), nick: nickOf(nickInput.value) };
      } catch (error) {
        tell(told, error instanceof InviteError ? error.message : `nick: ${wordsOf(error)}`);
        return undefined;
      }
    }),
    filter((entrance) => entrance !== undefined),
    take(1),
    tap(({ invite, nick }) => {
      keepNick(nick);
      // The address of the page is the invite from now on, and a reload comes back here.
      if (given === undefined) window.history.replaceState(null, '', new URL(linkOf(invite)).hash);
      place.hidden = true;
    }),
  );
};
