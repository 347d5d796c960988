import type { GroupInfo } from './engine.js';
import type { CommitFrame } from './frame.js';
import type { GroupRequest } from './groupClientEvent.js';
import type { GroupContext } from './groupEpoch.js';
import type { MemberState } from './groupState.js';
import { stageCommit, type StagedHandshake } from './stageHandshake.js';

/** The person of a request has no device in the group. */
export const NOT_A_MEMBER = 'this person is not a member';

/**
 * Stages the commit that a request needs, or returns why it is not possible.
 *
 * A removal also moves the room to another invite, since the removed person has the present one. Devices of one's own can
 * be removed without that right, and then the invite stays. `inviteSecret` is the secret of the next invite.
 */
export const stageRequest = <State, Info extends GroupInfo>(
  context: GroupContext<State, Info>,
  state: MemberState<State, Info>,
  request: Exclude<GroupRequest, { readonly type: 'leave' }>,
  inviteSecret: Uint8Array,
): StagedHandshake<MemberState<State, Info>, CommitFrame> | string => {
  const { members, leaf: ownLeaf } = state.epoch.view;
  switch (request.type) {
    case 'renew':
      return stageCommit(context, state, {});
    case 'rotate':
      return stageCommit(context, state, { inviteSecret });
    case 'remove': {
      const devices = members.filter(({ identity }) => identity === request.key);
      const isOwn = devices.some(({ leaf }) => leaf === ownLeaf);
      const remove = devices.map(({ leaf }) => leaf).filter((leaf) => leaf !== ownLeaf);
      if (devices.length === 0) return NOT_A_MEMBER;
      if (remove.length === 0) return 'a device cannot remove itself: it can leave';
      const staged = stageCommit(context, state, { remove, inviteSecret });
      return isOwn && typeof staged === 'string' ? stageCommit(context, state, { remove }) : staged;
    }
  }
};
