import { randomBytes } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { fromBase64url, toBase64url } from '../streams/index.js';
import { SECRET_BYTES } from './crypto/roomKeys.js';

/** Where a relay listens. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** What lets somebody into a room: where its relay is, and its secret. */
export interface Invite extends Address {
  readonly secret: Uint8Array;
}

export const DEFAULT_ADDRESS: Address = { host: '127.0.0.1', port: 55_555 };

/** An invite cannot be read. The message says what is wrong with it and holds nothing of its secret. */
export class InviteError extends Error {
  override readonly name = 'InviteError';
}

const SHAPE = 'an invite is rxchat://HOST:PORT/#SECRET';
const SECRET_CHARACTERS = Math.ceil((SECRET_BYTES * 8) / 6);

/** A new room at a relay. Needs no network: a room is its secret. */
export const createInvite = (address: Address = DEFAULT_ADDRESS): Invite => ({
  ...address,
  secret: randomBytes(SECRET_BYTES),
});

/**
 * `HOST:PORT`, an IPv6 address in brackets.
 *
 * @example
 * import { formatAddress } from 'rxchat';
 *
 * formatAddress({ host: '::1', port: 55555 }); // '[::1]:55555'
 */
export const formatAddress = ({ host, port }: Address): string =>
  `${isIPv6(host) ? `[${host}]` : host}:${port}`;

/** An invite as its one line of text. It lets in whoever has it: treat it like a password. */
export const formatInvite = (invite: Invite): string =>
  `rxchat://${formatAddress(invite)}/#${toBase64url(invite.secret)}`;

/** Reads an invite; an `InviteError` that says what is wrong with it. */
export const parseInvite = (text: string): Invite => {
  const url = URL.canParse(text.trim()) ? new URL(text.trim()) : undefined;
  if (url === undefined) throw new InviteError(`this is not an invite: ${SHAPE}`);
  if (url.protocol !== 'rxchat:')
    throw new InviteError(`this is not an invite of rxchat but a link that begins with ${url.protocol}`);
  if (url.hostname === '') throw new InviteError(`the invite names no host: ${SHAPE}`);
  if (url.username !== '' || url.password !== '' || url.search !== '' || !['', '/'].includes(url.pathname))
    throw new InviteError(
      `the invite has something between host and secret that does not belong there: ${SHAPE}`,
    );
  const secret = url.hash.slice(1);
  if (secret === '') throw new InviteError(`the invite has no secret, the part after #: was it cut off?`);
  if (secret.length !== SECRET_CHARACTERS)
    throw new InviteError(
      `the invite's secret has ${secret.length} characters where ${SECRET_CHARACTERS} belong: was it cut off?`,
    );
  const bytes = fromBase64url(secret);
  if (bytes === undefined)
    throw new InviteError("the invite's secret is not base64url: was it changed in transit?");
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? DEFAULT_ADDRESS.port : Number(url.port),
    secret: bytes,
  };
};

/** Whether an address stays on this machine. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
