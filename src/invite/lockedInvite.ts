import { randomText } from '../crypto/random.js';
import { type Address, DEFAULT_ADDRESS, formatAddress, normalHost } from '../address.js';
import { type Invite, InviteError } from './invite.js';
import { normalPassphrase, SCRYPT_COST, type ScryptCost, type Stretch } from './kdf.js';

/** Where a room of a passphrase is. It is no secret: who has it still has to know the passphrase. */
export interface LockedInvite extends Address {
  /** What the room is called among those who know it; part of what its keys are made from. */
  readonly label: string;
  readonly cost: ScryptCost;
  /** The SHA-256 of the relay's public key, base64url. */
  readonly pin?: string | undefined;
}

/** Whether a passphrase is wanted (`unlockInvite`) before this invite lets anybody in. */
export const isLocked = (invite: Invite | LockedInvite): invite is LockedInvite => !('secret' in invite);

/** The longest label, in characters (code points). */
export const LABEL_LIMIT = 64;

/** A label in its normal form (NFKC), or an `InviteError` that says what is wrong with it. */
export const checkLabel = (label: string): string => {
  const normal = label.normalize('NFKC').trim();
  if (normal === '') throw new InviteError("the room's name is empty");
  if (Array.from(normal).length > LABEL_LIMIT)
    throw new InviteError(`the room's name is longer than ${LABEL_LIMIT} characters`);
  if (/[\p{C}\p{Zl}\p{Zp}]/u.test(normal))
    throw new InviteError("the room's name has a control or an invisible character");
  return normal;
};

/**
 * A new room of a passphrase. Without a label it gets a random one, so that no work on one room's passphrase helps with
 * another's.
 */
export const createLockedInvite = ({
  label = randomText(6),
  ...relay
}: Partial<Address> & {
  readonly label?: string | undefined;
  readonly pin?: string | undefined;
} = {}): LockedInvite => ({
  ...DEFAULT_ADDRESS,
  ...relay,
  label: checkLabel(label),
  cost: SCRYPT_COST,
});

/**
 * Makes `unlockInvite` of a platform's scrypt: the invite that a passphrase makes of a locked one. Its secret is the
 * passphrase, salted with the relay's address and the room's label, and stretched.
 */
export const unlockBy =
  (stretch: Stretch) =>
  async ({ label, cost, host, port, pin }: LockedInvite, passphrase: string): Promise<Invite> => {
    const normal = normalPassphrase(passphrase);
    if (normal === '') throw new InviteError('the passphrase is empty');
    const relay = { host: normalHost(host) ?? host, port };
    const name = checkLabel(label);
    const salt = `rxchat/1 passphrase room\n${formatAddress(relay)}\n${name}`;
    const secret = await stretch(normal, salt, cost);
    return { ...relay, secret, label: name, ...(pin !== undefined && { pin }) };
  };
