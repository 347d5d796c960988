import type { ClientEvent } from '../../../streams/client/index.js';
import type { Invite } from '../../invite/invite.js';

/** The invite of a room, which the members of a group can change. */
export interface CurrentInvite {
  readonly update: (event: ClientEvent) => void;
  /** Returns the invite that admits others now. */
  readonly get: () => Invite;
}

/** Tracks the invite of a room, from the invite with which a run starts. */
export const currentInvite = (first: Invite): CurrentInvite => {
  let invite = first;
  return {
    update: (event) => {
      if (event.type === 'invite-changed') invite = { ...invite, secret: event.secret };
    },
    get: () => invite,
  };
};
