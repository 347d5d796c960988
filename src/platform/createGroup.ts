import { formatGroupId, type Identity, type RemovalRule } from '../../streams/client/index.js';
import { toBase64url } from '../../streams/wire/index.js';
import type { Invite } from '../invite/invite.js';
import type { Platform } from './platform.js';

const GROUP_RANDOM_BYTES = 16;

/** A new group and the invite to its room. The room exists once a client with the role `creator` has joined it. */
export interface NewGroup {
  readonly invite: Invite;
  readonly groupId: Uint8Array;
}

/** Creates the id of a group, and the invite to its room at a relay. Needs no network. */
export const createGroup = (
  { hash, randomBytes }: Pick<Platform, 'hash' | 'randomBytes'>,
  invite: Invite,
  identity: Identity,
  removalRule: RemovalRule = 'creator',
): NewGroup => {
  const groupId = formatGroupId({
    removalRule,
    creator: identity.key,
    random: randomBytes(GROUP_RANDOM_BYTES),
  });
  return { invite: { ...invite, group: toBase64url(hash(groupId)) }, groupId };
};
