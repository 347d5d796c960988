import { randomBytes } from 'node:crypto';
import { fromBase64url, toBase64url } from '../streams/wire/index.js';
import { type Address, DEFAULT_ADDRESS, formatAddress } from './address.js';
import { SECRET_BYTES } from './crypto/roomKeys.js';
import { type FragmentFault, readFragment, writeFragment } from './inviteFragment.js';
import { isPin, PIN_CHARACTERS } from './tls/pin.js';

/** What lets somebody into a room: where its relay is, and its secret. */
export interface Invite extends Address {
  readonly secret: Uint8Array;
  /** The SHA-256 of the relay's public key, base64url: the relay speaks TLS, and it alone is the right one. */
  readonly pin?: string | undefined;
}

/** An invite cannot be read. The message says what is wrong with it and holds nothing of its secret. */
export class InviteError extends Error {
  override readonly name = 'InviteError';
}

const SHAPE = 'an invite is rxchat://HOST:PORT/#SECRET';
const SECRET_CHARACTERS = Math.ceil((SECRET_BYTES * 8) / 6);

/** A new room at a relay, which may have a pin. Needs no network: a room is its secret. */
export const createInvite = (relay: Omit<Invite, 'secret'> = DEFAULT_ADDRESS): Invite => ({
  ...relay,
  secret: randomBytes(SECRET_BYTES),
});

/** An invite as its one line of text. It lets in whoever has it: treat it like a password. */
export const formatInvite = (invite: Invite): string =>
  `rxchat://${formatAddress(invite)}/#${writeFragment(toBase64url(invite.secret), { pin: invite.pin })}`;

const FAULTS: Readonly<Record<FragmentFault, string>> = {
  unnamed: 'the invite has something after its secret that is no name=value',
  twice: 'the invite says something twice',
  unknown: 'the invite says something that this rxchat does not know: is it of a newer one?',
};

/** Reads an invite; an `InviteError` that says what is wrong with it. */
export const parseInvite = (text: string): Invite => {
  const line = text.trim();
  const url = URL.canParse(line) ? new URL(line) : undefined;
  if (url === undefined) throw new InviteError(`this is not an invite: ${SHAPE}`);
  if (url.protocol !== 'rxchat:')
    throw new InviteError(`this is a link, but not an invite of rxchat: ${SHAPE}`);
  // By the rules of http a host is checked, and a name with accents becomes ASCII; for a scheme of our own it is not.
  const site = `http://${url.hostname}/`;
  if (!URL.canParse(site)) throw new InviteError(`the invite names no host: ${SHAPE}`);
  // The parser of URLs drops line breaks and an empty ? or @; an invite with them was not made by us.
  const beforeSecret = line.slice(0, line.indexOf('#'));
  if (/\s/.test(line) || /[?@]/.test(beforeSecret) || !['', '/'].includes(url.pathname))
    throw new InviteError(`the invite has something in it that does not belong there: ${SHAPE}`);
  if (url.port === '0') throw new InviteError(`the invite names port 0, where nothing listens: ${SHAPE}`);
  const fragment = readFragment(url.hash.slice(1), ['pin']);
  if (typeof fragment === 'string') throw new InviteError(FAULTS[fragment]);
  const secret = fragment.first;
  const pin = fragment.values.get('pin');
  if (pin !== undefined && !isPin(pin))
    throw new InviteError(
      `the invite's pin has not ${PIN_CHARACTERS} characters of base64url: was it cut off or changed?`,
    );
  if (secret === '') throw new InviteError(`the invite has no secret, the part after #: was it cut off?`);
  if (secret.length !== SECRET_CHARACTERS)
    throw new InviteError(
      `the invite's secret has ${secret.length} characters where ${SECRET_CHARACTERS} belong: was it cut off?`,
    );
  const bytes = fromBase64url(secret);
  if (bytes === undefined)
    throw new InviteError("the invite's secret is not base64url: was it changed in transit?");
  return {
    host: new URL(site).hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? DEFAULT_ADDRESS.port : Number(url.port),
    secret: bytes,
    ...(pin !== undefined && { pin }),
  };
};
