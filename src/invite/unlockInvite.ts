import { stretch } from '../crypto/passphrase.js';
import type { Invite } from './invite.js';
import { type LockedInvite, unlockBy } from './lockedInvite.js';

/**
 * The invite that a passphrase makes of a locked one: its secret is scrypt (RFC 7914) of the passphrase, salted with the
 * relay's address and the room's label. Takes about half a second and 128 MiB; off the event loop.
 *
 * Any passphrase gives an invite: a wrong one is that of another room, where nobody is. Rejects with an `InviteError`
 * where the passphrase is empty.
 *
 * @example
 * import { createLockedInvite, unlockInvite } from 'rxchat';
 *
 * const invite = await unlockInvite(createLockedInvite({ label: 'book club' }), 'seven words that nobody would guess so');
 */
export const unlockInvite: (locked: LockedInvite, passphrase: string) => Promise<Invite> = unlockBy(stretch);
