import type { GroupRole } from '../../../../streams/client/index.js';
import { createInvite, type Invite } from '../../../invite/invite.js';
import { nodePlatform } from '../../../node/nodePlatform.js';
import { createGroup } from '../../../platform/createGroup.js';
import type { Flags } from '../../args/flags.js';
import { dataDir } from '../../process/environment.js';
import { relayFromFlags } from '../../shared/connectFromFlags.js';
import { loadIdentity } from '../../shared/contacts.js';

/** The invite of a room, and what this client is in it. */
export interface RoomToJoin {
  readonly invite: Invite;
  readonly role: GroupRole;
}

/**
 * Creates a group room for a terminal, and a key room for a pipe: those who come later can read what a pipe has sent,
 * but a group room has nothing for newcomers.
 */
export const createRoom = (flags: Flags, interactive: boolean): RoomToJoin => {
  const invite = createInvite(relayFromFlags(flags));
  if (!interactive) return { invite, role: { type: 'member' } };
  const group = createGroup(nodePlatform, invite, loadIdentity(dataDir()));
  return { invite: group.invite, role: { type: 'creator', groupId: group.groupId } };
};
