import { filter, fromEvent, map, type Observable, take, tap } from 'rxjs';
import { RefusedError, validateNick } from '../../streams/wire/index.js';
import { deriveRoomKeys } from '../browser/nobleKeys.js';
import { InviteError, type Invite, createInvite, isLocked } from '../invite/invite.js';
import { byId, setText } from './dom.js';
import { saveNick, loadNick } from './storage.js';
import { isLoopback } from '../util/address.js';
import { formatInvite, parseAnyInvite, parseInvite } from '../invite/inviteText.js';

/** Invite and nick of a member who joins. */
export interface JoinRequest {
  readonly invite: Invite;
  readonly nick: string;
}

/** Describes an error, with a hint if there is one. */
export const describeError = (error: unknown): string => {
  const message = error instanceof Error ? error.message : String(error);
  const hint = error instanceof RefusedError ? HINTS.get(error.code) : undefined;
  return hint === undefined ? message : `${message}; ${hint}`;
};

const HINTS = new Map<string, string>([
  // The page does not ask for a token, which would be one more secret for the operator of the relay.
  ['access-denied', 'the page supports none; use rxchat join LINK --access-token-file FILE'],
  ['nick-taken', 'by another member, or by you in another browser or terminal'],
]);

/** Asks for a nick, and for an invite if the page address contains none. Shows an earlier problem first. */
export const showJoinForm = (initialProblem: string | undefined): Observable<JoinRequest> => {
  const panel = byId('join-form', HTMLElement);
  const nickInput = byId('join-nick', HTMLInputElement);
  const inviteInput = byId('join-invite', HTMLInputElement);
  const problemText = byId('join-problem', HTMLElement);

  let pageInvite: Invite | undefined;
  let problem = initialProblem;
  try {
    pageInvite = parsePageInvite();
  } catch (error) {
    problem ??= describeError(error);
  }
  byId('join-invite-field', HTMLElement).hidden = pageInvite !== undefined;
  setText(problemText, problem);
  nickInput.value = loadNick();
  panel.hidden = false;
  (pageInvite === undefined ? inviteInput : nickInput).focus();

  return fromEvent(byId('join-form-fields', HTMLFormElement), 'submit').pipe(
    tap((event) => event.preventDefault()),
    map(() => {
      try {
        return {
          invite: pageInvite ?? parseTypedInvite(inviteInput.value),
          nick: parseNick(nickInput.value),
        };
      } catch (error) {
        setText(problemText, error instanceof InviteError ? error.message : `nick: ${describeError(error)}`);
        return undefined;
      }
    }),
    filter((request) => request !== undefined),
    take(1),
    tap(({ invite, nick }) => {
      saveNick(nick);
      // The page address becomes the invite, so that a reload returns to the room.
      if (pageInvite === undefined)
        window.history.replaceState(null, '', new URL(formatPageLink(invite)).hash);
      panel.hidden = true;
    }),
  );
};

/** Returns the relay that served this page. */
const pageRelay = (): Pick<Invite, 'host' | 'port' | 'web'> => {
  const { protocol, hostname, port } = window.location;
  const web = protocol === 'https:' ? 'https' : 'http';
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? (web === 'https' ? 443 : 80) : Number(port),
    web,
  };
};

/** Parses the invite in the address of this page, or returns `undefined` if the part after `#` is empty. */
export const parsePageInvite = (): Invite | undefined =>
  window.location.hash.length > 1
    ? parseInvite(`${window.location.origin}/${window.location.hash}`)
    : undefined;

/** Parses a typed invite: a page link or an invite of the same relay. Creates a room if the text is empty. */
export const parseTypedInvite = (text: string): Invite => {
  if (text.trim() === '') return createInvite(pageRelay());
  const invite = parseAnyInvite(text);
  if (isLocked(invite))
    throw new InviteError('a room with a passphrase cannot be joined here; use rxchat join INVITE');
  const { host, web } = pageRelay();
  const relays = [invite, ...(invite.otherRelays ?? [])];
  if (!relays.some((relay) => relay.host === host || (isLoopback(relay.host) && isLoopback(host))))
    throw new InviteError(`the invite is for another relay; open the page of ${invite.host}`);
  return {
    ...pageRelay(),
    secret: invite.secret,
    ...(invite.group !== undefined && { group: invite.group }),
    pin: web === 'http' || invite.web === 'http' ? undefined : invite.pin,
  };
};

/** Returns what identifies a room in the storage of the browser. A group stays the same when its invite changes. */
export const roomIdOf = ({ group, secret }: Pick<Invite, 'group' | 'secret'>): string =>
  group ?? deriveRoomKeys(secret).room;

/** Formats the page link of a room. Browsers do not send the part after # to the relay. */
export const formatPageLink = (invite: Invite): string => formatInvite(invite);

export const parseNick = (text: string): string => validateNick(text.trim());
