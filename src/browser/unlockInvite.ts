import { scryptAsync } from '@noble/hashes/scrypt.js';
import type { Invite } from '../invite/invite.js';
import { SECRET_BYTES } from '../crypto/secret.js';
import type { Stretch } from '../invite/kdf.js';
import { type LockedInvite, unlockBy } from '../invite/lockedInvite.js';

const MIB = 2 ** 20;

const stretch: Stretch = (passphrase, salt, { logN, r, p }) =>
  scryptAsync(passphrase, salt, { N: 2 ** logN, r, p, dkLen: SECRET_BYTES, maxmem: 1024 * MIB });

/** `unlockInvite` of `rxchat`, in JavaScript; takes some seconds and 128 MiB, and lets the page breathe meanwhile. */
export const unlockInvite: (invite: LockedInvite, passphrase: string) => Promise<Invite> = unlockBy(stretch);
