import { fromBase64url, toBase64url } from '../../streams/wire/index.js';
import { formatKdf, parseKdf, SECRET_BYTES } from '../crypto/roomKeys.js';
import {
  type Address,
  DEFAULT_ADDRESS,
  formatAddress,
  isPin,
  normalizeHost,
  PIN_LENGTH,
} from '../util/address.js';
import { type Invite, InviteError, isLocked, type LockedInvite, normalizeLabel } from './invite.js';

/** The part of an invite after `#`: its first part, and named values. */
export interface InviteFragment {
  readonly first: string;
  readonly values: ReadonlyMap<string, string>;
}

/** Why a fragment cannot be parsed. It contains nothing of the fragment. */
export type FragmentError = 'unnamed' | 'twice' | 'unknown';

/**
 * Parses `FIRST,name=value,...`. Commas and equals signs need no quotes in a shell. Unknown names are rejected
 * rather than ignored, since a newer rxchat may need them for the security of the invite.
 */
export const parseFragment = (
  text: string,
  allowedFor: (first: string) => readonly string[],
): InviteFragment | FragmentError => {
  const [first = '', ...rest] = text.split(',');
  const allowed = allowedFor(first);
  const values = new Map<string, string>();
  for (const part of rest) {
    const [, name, value] = /^([a-z]+)=(.+)$/s.exec(part) ?? [];
    if (name === undefined || value === undefined) return 'unnamed';
    if (!allowed.includes(name)) return 'unknown';
    if (values.has(name)) return 'twice';
    values.set(name, value);
  }
  return { first, values };
};

/** Formats a fragment, and omits values that are `undefined`. */
export const formatFragment = (first: string, values: Readonly<Record<string, string | undefined>>): string =>
  [
    first,
    ...Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : `${name}=${value}`)),
  ].join(',');

const FORMAT_HINT = 'an invite is rxchat://HOST:PORT/#SECRET';
const UNEXPECTED_CHARACTERS = `the invite has unexpected characters: ${FORMAT_HINT}`;
const SECRET_LENGTH = Math.ceil((SECRET_BYTES * 8) / 6);

/** Needs no quotes in a shell, and no host contains it. */
const RELAY_SEPARATOR = '+';

/** Replaces the secret in the invite of a room with a passphrase. */
const LOCKED_MARKER = 'passphrase';

/**
 * Formats an invite as one line. An invite with a secret admits anyone who has it, so treat it like a password.
 * Throws an `InviteError` if parsing the line would give another invite.
 */
export const formatInvite = (invite: Invite | LockedInvite): string => {
  const text = formatUrl(invite);
  if (!isSameInvite(parseAnyInvite(text), invite))
    throw new InviteError(`an invite cannot name ${invite.host} at port ${invite.port}`);
  return text;
};

const isSameInvite = (parsed: Invite | LockedInvite, invite: Invite | LockedInvite): boolean => {
  const host = normalizeHost(invite.host);
  const otherRelays = invite.otherRelays?.map((relay) => ({
    ...relay,
    host: normalizeHost(relay.host) ?? '',
  }));
  const expected = isLocked(invite) ? { ...invite, label: normalizeLabel(invite.label) } : invite;
  return (
    host !== undefined &&
    formatUrl(parsed) === formatUrl({ ...expected, host, otherRelays }) &&
    // A value must not contain another one.
    parsed.pin === invite.pin &&
    groupOf(parsed) === groupOf(invite)
  );
};

const groupOf = (invite: Invite | LockedInvite): string | undefined =>
  isLocked(invite) ? undefined : invite.group;

const formatUrl = (invite: Invite | LockedInvite): string => {
  const fragment = isLocked(invite)
    ? formatFragment(LOCKED_MARKER, {
        kdf: formatKdf(invite.cost),
        room: encodeURIComponent(invite.label),
        ...relayValues(invite),
      })
    : formatFragment(toBase64url(invite.secret), { group: invite.group, ...relayValues(invite) });
  const scheme = isLocked(invite) ? undefined : invite.web;
  return `${scheme ?? 'rxchat'}://${formatAddress(invite)}/#${fragment}`;
};

const relayValues = ({ otherRelays = [], pin }: Invite | LockedInvite) => ({
  pin,
  relays: otherRelays.map(formatAddress).join(RELAY_SEPARATOR) || undefined,
});

/** Default ports of the schemes. */
const DEFAULT_PORTS = { rxchat: DEFAULT_ADDRESS.port, https: 443, http: 80 } as const;

type Scheme = keyof typeof DEFAULT_PORTS;

const isScheme = (text: string): text is Scheme => text in DEFAULT_PORTS;

const FRAGMENT_ERRORS: Readonly<Record<FragmentError, string>> = {
  unnamed: 'the invite has a part after its secret that is not name=value',
  twice: 'the invite repeats a value',
  unknown: 'the invite has an unknown value; it may need a newer rxchat',
};

/** Parses an invite with a secret. Throws an `InviteError` with the reason if it is invalid. */
export const parseInvite = (text: string): Invite => {
  const invite = parseAnyInvite(text);
  if (isLocked(invite)) throw new InviteError('the invite is for a room with a passphrase; unlock it first');
  return invite;
};

/** Parses an invite with or without a passphrase. Throws an `InviteError` with the reason if it is invalid. */
export const parseAnyInvite = (text: string): Invite | LockedInvite => {
  const { scheme, host, port, fragment } = parseUrl(text.trim());
  const pin = parseHash(fragment, 'pin');
  const group = parseHash(fragment, 'group');
  const web = scheme === 'rxchat' ? undefined : scheme;
  if (web !== undefined && fragment.first === LOCKED_MARKER)
    throw new InviteError('a room with a passphrase needs an rxchat:// invite, not a page link');
  if (web === 'http' && pin !== undefined)
    throw new InviteError('the link has a pin, but its page does not use TLS');
  const otherRelays = fragment.values.get('relays')?.split(RELAY_SEPARATOR).map(parseRelay);
  const relay = {
    host,
    port,
    ...(otherRelays && { otherRelays }),
    ...(pin !== undefined && { pin }),
    ...(web !== undefined && { web }),
  };
  return fragment.first === LOCKED_MARKER
    ? { ...relay, ...parseLock(fragment) }
    : { ...relay, secret: parseSecret(fragment), ...(group !== undefined && { group }) };
};

const parseRelay = (text: string): Address => {
  const { host, port, fragment } = parseUrl(`rxchat://${text}/#`);
  if (fragment.first !== '') throw new InviteError(UNEXPECTED_CHARACTERS);
  return { host, port };
};

const parseUrl = (line: string): Address & { readonly scheme: Scheme; readonly fragment: InviteFragment } => {
  const url = URL.canParse(line) ? new URL(line) : undefined;
  if (url === undefined) throw new InviteError(`this is not an invite: ${FORMAT_HINT}`);
  const scheme = url.protocol.slice(0, -1);
  // Rejects links of other pages. A truncated invite is reported below.
  if (!isScheme(scheme) || (scheme !== 'rxchat' && !/^#([\w-]{20}|passphrase,)/.test(url.hash)))
    throw new InviteError(`this is a link, but not an invite of rxchat: ${FORMAT_HINT}`);
  const host = normalizeHost(url.hostname);
  if (host === undefined) throw new InviteError(`the invite has no host: ${FORMAT_HINT}`);
  // The URL parser drops line breaks and an empty ? or @. rxchat does not write invites with them.
  const beforeSecret = line.slice(0, line.indexOf('#'));
  if (/\s/.test(line) || /[?@]/.test(beforeSecret) || !['', '/'].includes(url.pathname))
    throw new InviteError(UNEXPECTED_CHARACTERS);
  if (url.port === '0') throw new InviteError(`the invite has the invalid port 0: ${FORMAT_HINT}`);
  const fragment = parseFragment(url.hash.slice(1), (first) => [
    'pin',
    // A page connects only to the relay that served it.
    ...(scheme === 'rxchat' ? ['relays'] : []),
    ...(first === LOCKED_MARKER ? ['kdf', 'room'] : ['group']),
  ]);
  if (typeof fragment === 'string') throw new InviteError(FRAGMENT_ERRORS[fragment]);
  return { scheme, host, port: url.port === '' ? DEFAULT_PORTS[scheme] : Number(url.port), fragment };
};

/** Parses a value that is a SHA-256 in base64url, or returns `undefined` if the invite has no such value. */
const parseHash = ({ values }: InviteFragment, name: 'group' | 'pin'): string | undefined => {
  const hash = values.get(name);
  // A pin is a SHA-256 too.
  if (hash !== undefined && !isPin(hash))
    throw new InviteError(
      `the invite's ${name} is not ${PIN_LENGTH} characters of base64url; it may be cut off or changed`,
    );
  return hash;
};

const parseSecret = ({ first }: InviteFragment): Uint8Array => {
  if (first === '') throw new InviteError(`the invite has no secret (the part after #); it may be cut off`);
  if (first.length !== SECRET_LENGTH)
    throw new InviteError(
      `the invite's secret has ${first.length} characters instead of ${SECRET_LENGTH}; it may be cut off`,
    );
  const bytes = fromBase64url(first);
  if (bytes === undefined)
    throw new InviteError("the invite's secret is not base64url; it may have been changed");
  return bytes;
};

const parseLock = ({ values }: InviteFragment): Pick<LockedInvite, 'cost' | 'label'> => {
  const cost = parseKdf(values.get('kdf') ?? '');
  const room = values.get('room');
  if (cost === undefined) throw new InviteError('the invite has no key derivation that this rxchat supports');
  if (room === undefined) throw new InviteError('the invite has no room name; it may be cut off');
  return { cost, label: normalizeLabel(decodeLabel(room)) };
};

const decodeLabel = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new InviteError("the invite's room is not percent-encoded UTF-8; it may have been changed");
  }
};
