import { checkNick } from '../../streams/wire/index.js';
import { isLoopback } from '../address.js';
import { createInvite, type Invite, InviteError } from '../invite/invite.js';
import { isLocked } from '../invite/lockedInvite.js';
import { formatInvite, parseAnyInvite, parseInvite } from '../invite/text.js';

/** Where this page came from, which is where its relay is. */
const here = (): Pick<Invite, 'host' | 'port' | 'web'> => {
  const { protocol, hostname, port } = window.location;
  const web = protocol === 'https:' ? 'https' : 'http';
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? (web === 'https' ? 443 : 80) : Number(port),
    web,
  };
};

/** The invite that the address of this page is, as far as it is one. */
export const inviteOfPage = (): Invite | undefined =>
  window.location.hash.length > 1
    ? parseInvite(`${window.location.origin}/${window.location.hash}`)
    : undefined;

/** The invite that was typed: a link of a page, an invite of the command for the same relay, or nothing, for a new room. */
export const inviteOf = (text: string): Invite => {
  if (text.trim() === '') return createInvite(here());
  const given = parseAnyInvite(text);
  if (isLocked(given))
    throw new InviteError(
      'a room with a passphrase cannot be joined here, but with the command: rxchat join INVITE',
    );
  const { host, web } = here();
  if (given.host !== host && !(isLoopback(given.host) && isLoopback(host)))
    throw new InviteError(`the invite is of another relay, ${given.host}: its page is there`);
  return {
    ...here(),
    secret: given.secret,
    pin: web === 'http' || given.web === 'http' ? undefined : given.pin,
  };
};

/** The link of a room. What stands behind its # never reaches a relay. */
export const linkOf = (invite: Invite): string => formatInvite(invite);

export const nickOf = (text: string): string => checkNick(text.trim());
