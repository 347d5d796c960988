import {
  DEFAULT_SCRYPT_COST,
  type DeriveKey,
  normalizePassphrase,
  type ScryptCost,
  SECRET_BYTES,
} from '../crypto/roomKeys.js';
import { randomBytes, randomText } from '../crypto/random.js';
import { type Address, DEFAULT_ADDRESS, formatAddress, normalizeHost } from '../util/address.js';

/** An invite to a room: the address of its relay and its secret. */
export interface Invite extends Address {
  readonly secret: Uint8Array;
  /** Other relays that serve the room, with the same pin. Clients choose among all of them at random. */
  readonly otherRelays?: readonly Address[] | undefined;
  /** SHA-256 of the group id in base64url, if this is a group room. Its members agree on its keys. */
  readonly group?: string | undefined;
  /** SHA-256 of the public key of the relay in base64url. With a pin, the relay has to use TLS and this key. */
  readonly pin?: string | undefined;
  /** Set if the relay is reached by WebSocket: over TLS (`https`) or unencrypted (`http`). */
  readonly web?: 'https' | 'http' | undefined;
  /** Name of the room, if its secret is derived from a passphrase. */
  readonly label?: string | undefined;
}

/** An invite that cannot be parsed. The message gives the reason and contains nothing of the secret. */
export class InviteError extends Error {
  override readonly name = 'InviteError';
}

/** Creates a room at a relay. Needs no network, since a room is only a secret. */
export const createInvite = (relay: Omit<Invite, 'secret'> = DEFAULT_ADDRESS): Invite => ({
  ...relay,
  secret: randomBytes(SECRET_BYTES),
});

/** An invite to a room with a passphrase. It is not secret, since joining requires the passphrase. */
export interface LockedInvite extends Address {
  /** Name of the room. The keys depend on it. */
  readonly label: string;
  readonly cost: ScryptCost;
  /** Other relays that serve the room, with the same pin. */
  readonly otherRelays?: readonly Address[] | undefined;
  /** SHA-256 of the public key of the relay in base64url. */
  readonly pin?: string | undefined;
}

/** Whether an invite needs a passphrase (`unlockInvite`). */
export const isLocked = (invite: Invite | LockedInvite): invite is LockedInvite => !('secret' in invite);

/** Maximum length of a label in characters (code points). */
export const MAX_LABEL_LENGTH = 64;

/** Returns the normal form (NFKC) of a label. Throws an `InviteError` with the reason if it is invalid. */
export const normalizeLabel = (label: string): string => {
  const normalized = label.normalize('NFKC').trim();
  if (normalized === '') throw new InviteError("the room's name is empty");
  if (Array.from(normalized).length > MAX_LABEL_LENGTH)
    throw new InviteError(`the room's name is longer than ${MAX_LABEL_LENGTH} characters`);
  if (/[\p{C}\p{Zl}\p{Zp}]/u.test(normalized))
    throw new InviteError("the room's name has a control or an invisible character");
  return normalized;
};

/**
 * Creates a room with a passphrase. The default label is random, so that guessing the passphrase of one room
 * does not help with another.
 */
export const createLockedInvite = ({
  label = randomText(6),
  ...relay
}: Partial<Address> & {
  readonly label?: string | undefined;
  readonly otherRelays?: readonly Address[] | undefined;
  readonly pin?: string | undefined;
} = {}): LockedInvite => ({
  ...DEFAULT_ADDRESS,
  ...relay,
  label: normalizeLabel(label),
  cost: DEFAULT_SCRYPT_COST,
});

/**
 * Creates `unlockInvite` from the scrypt of a platform. The secret is derived from the passphrase, salted with
 * the relay address and the label.
 */
export const createUnlockInvite =
  (deriveKey: DeriveKey) =>
  async (
    { label, cost, host, port, otherRelays, pin }: LockedInvite,
    passphrase: string,
  ): Promise<Invite> => {
    const normalized = normalizePassphrase(passphrase);
    if (normalized === '') throw new InviteError('the passphrase is empty');
    const relay = { host: normalizeHost(host) ?? host, port };
    const name = normalizeLabel(label);
    const salt = `rxchat/1 passphrase room\n${formatAddress(relay)}\n${name}`;
    const secret = await deriveKey(normalized, salt, cost);
    return {
      ...relay,
      secret,
      label: name,
      ...(otherRelays !== undefined && { otherRelays }),
      ...(pin !== undefined && { pin }),
    };
  };
