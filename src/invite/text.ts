import { fromBase64url, toBase64url } from '../../streams/wire/index.js';
import { type Address, DEFAULT_ADDRESS, formatAddress, normalHost } from '../address.js';
import { SECRET_BYTES } from '../crypto/secret.js';
import { type FragmentFault, type InviteFragment, readFragment, writeFragment } from './fragment.js';
import { type Invite, InviteError } from './invite.js';
import { readKdf, writeKdf } from './kdf.js';
import { checkLabel, isLocked, type LockedInvite } from './lockedInvite.js';
import { isPin, PIN_CHARACTERS } from './pin.js';

const SHAPE = 'an invite is rxchat://HOST:PORT/#SECRET';
const SECRET_CHARACTERS = Math.ceil((SECRET_BYTES * 8) / 6);

/** What stands in the place of the secret where a passphrase is to give it. */
const LOCKED = 'passphrase';

/**
 * Returns an invite as its one line of text. One with a secret lets in whoever has it: treat it like a password. Throws an
 * `InviteError` if that line would not be read back as the same invite.
 */
export const formatInvite = (invite: Invite | LockedInvite): string => {
  const text = writeUrl(invite);
  if (!isSameInvite(parseAnyInvite(text), invite))
    throw new InviteError(`an invite cannot name ${invite.host} at port ${invite.port}`);
  return text;
};

const isSameInvite = (read: Invite | LockedInvite, invite: Invite | LockedInvite): boolean => {
  const host = normalHost(invite.host);
  const expected = isLocked(invite) ? { ...invite, label: checkLabel(invite.label) } : invite;
  return host !== undefined && writeUrl(read) === writeUrl({ ...expected, host });
};

const writeUrl = (invite: Invite | LockedInvite): string => {
  const fragment = isLocked(invite)
    ? writeFragment(LOCKED, {
        kdf: writeKdf(invite.cost),
        room: encodeURIComponent(invite.label),
        pin: invite.pin,
      })
    : writeFragment(toBase64url(invite.secret), { pin: invite.pin });
  const scheme = isLocked(invite) ? undefined : invite.web;
  return `${scheme ?? 'rxchat'}://${formatAddress(invite)}/#${fragment}`;
};

/** The ports of invites that name none. */
const PORTS = { rxchat: DEFAULT_ADDRESS.port, https: 443, http: 80 } as const;

type Scheme = keyof typeof PORTS;

const isScheme = (text: string): text is Scheme => text in PORTS;

const FAULTS: Readonly<Record<FragmentFault, string>> = {
  unnamed: 'the invite has something after its secret that is no name=value',
  twice: 'the invite says something twice',
  unknown: 'the invite says something that this rxchat does not know: is it of a newer one?',
};

/** Reads an invite that has its secret in it; an `InviteError` that says what is wrong with it. */
export const parseInvite = (text: string): Invite => {
  const invite = parseAnyInvite(text);
  if (isLocked(invite))
    throw new InviteError('the invite is of a room with a passphrase, and lets nobody in without it');
  return invite;
};

/** Reads an invite of either kind; an `InviteError` that says what is wrong with it. */
export const parseAnyInvite = (text: string): Invite | LockedInvite => {
  const { scheme, host, port, fragment } = readUrl(text.trim());
  const pin = readPin(fragment);
  const web = scheme === 'rxchat' ? undefined : scheme;
  if (web !== undefined && fragment.first === LOCKED)
    throw new InviteError('a room with a passphrase has an rxchat:// invite, and no link of a page');
  if (web === 'http' && pin !== undefined)
    throw new InviteError('the link has the pin of a relay with TLS, and names a page without it');
  const where = { host, port, ...(pin !== undefined && { pin }), ...(web !== undefined && { web }) };
  return fragment.first === LOCKED
    ? { ...where, ...readLock(fragment) }
    : { ...where, secret: readSecret(fragment) };
};

const readUrl = (line: string): Address & { readonly scheme: Scheme; readonly fragment: InviteFragment } => {
  const url = URL.canParse(line) ? new URL(line) : undefined;
  if (url === undefined) throw new InviteError(`this is not an invite: ${SHAPE}`);
  const scheme = url.protocol.slice(0, -1);
  // Of other pages there are many; an invite that was cut off is told below.
  if (!isScheme(scheme) || (scheme !== 'rxchat' && !/^#([\w-]{20}|passphrase,)/.test(url.hash)))
    throw new InviteError(`this is a link, but not an invite of rxchat: ${SHAPE}`);
  const host = normalHost(url.hostname);
  if (host === undefined) throw new InviteError(`the invite names no host: ${SHAPE}`);
  // The parser of URLs drops line breaks and an empty ? or @; an invite with them was not made by us.
  const beforeSecret = line.slice(0, line.indexOf('#'));
  if (/\s/.test(line) || /[?@]/.test(beforeSecret) || !['', '/'].includes(url.pathname))
    throw new InviteError(`the invite has something in it that does not belong there: ${SHAPE}`);
  if (url.port === '0') throw new InviteError(`the invite names port 0, where nothing listens: ${SHAPE}`);
  const fragment = readFragment(url.hash.slice(1), (first) =>
    first === LOCKED ? ['kdf', 'room', 'pin'] : ['pin'],
  );
  if (typeof fragment === 'string') throw new InviteError(FAULTS[fragment]);
  return { scheme, host, port: url.port === '' ? PORTS[scheme] : Number(url.port), fragment };
};

const readPin = ({ values }: InviteFragment): string | undefined => {
  const pin = values.get('pin');
  if (pin !== undefined && !isPin(pin))
    throw new InviteError(
      `the invite's pin has not ${PIN_CHARACTERS} characters of base64url: was it cut off or changed?`,
    );
  return pin;
};

const readSecret = ({ first }: InviteFragment): Uint8Array => {
  if (first === '') throw new InviteError(`the invite has no secret, the part after #: was it cut off?`);
  if (first.length !== SECRET_CHARACTERS)
    throw new InviteError(
      `the invite's secret has ${first.length} characters where ${SECRET_CHARACTERS} belong: was it cut off?`,
    );
  const bytes = fromBase64url(first);
  if (bytes === undefined)
    throw new InviteError("the invite's secret is not base64url: was it changed in transit?");
  return bytes;
};

const readLock = ({ values }: InviteFragment): Pick<LockedInvite, 'cost' | 'label'> => {
  const cost = readKdf(values.get('kdf') ?? '');
  const room = values.get('room');
  if (cost === undefined)
    throw new InviteError(
      'the invite does not say how its passphrase becomes a key, or in a way that this rxchat does not take',
    );
  if (room === undefined) throw new InviteError("the invite does not say its room's name: was it cut off?");
  return { cost, label: checkLabel(decode(room)) };
};

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new InviteError("the invite's room is not percent-encoded UTF-8: was it changed in transit?");
  }
};
